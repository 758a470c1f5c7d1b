<?php

declare(strict_types=1);

/**
 * Amazon Pay (India) as a shop's server needs it: the buyer's way there and back, refunds, notifications.
 * Plain PHP 8.1 with openssl. Written from the wire's public facts, not from Amazon's SDK.
 */
final class AmazonPay
{
    private const PAY = 'https://amazonpay.amazon.in/initiatePayment';
    private const OPERATIONS = 'https://mws.amazonservices.in/OffAmazonPayments_Sandbox/2013-01-01'; // live: no _Sandbox
    private const SIGNATURE = ['SignatureMethod' => 'HmacSHA256', 'SignatureVersion' => '2'];

    /**
     * @param string $publicKey as Amazon hands it out: base64 on one line
     * @param string $baseUrl   where tests have all of Amazon's hosts; leave it out to call Amazon
     */
    public function __construct(
        private readonly string $sellerId,
        private readonly string $accessKey,
        private readonly string $secretKey,
        private readonly string $publicKey,
        private readonly string $baseUrl = '',
    ) {
    }

    /** @param array<string, string> $environment */
    public static function of(array $environment): self
    {
        return new self(
            $environment['AMAZONPAY_SELLER_ID'],
            $environment['AMAZONPAY_ACCESS_KEY'],
            $environment['AMAZONPAY_SECRET_KEY'],
            $environment['AMAZONPAY_PUBLIC_KEY'],
            $environment['AMAZONPAY_BASE_URL'] ?? '',
        );
    }

    /** Where the buyer pays: a signed form, encrypted by a key of its own, which only Amazon can unwrap. */
    public function paymentUrl(string $amount, string $sellerOrderId, string $redirectUrl): string
    {
        $fields = [
            'orderTotalAmount' => $amount,
            'orderTotalCurrencyCode' => 'INR',
            'sellerOrderId' => $sellerOrderId,
            'sellerId' => $this->sellerId,
            'startTime' => (string) time(),
            'isSandbox' => 'true',
        ];
        // Signed as encoded once, sent as encoded twice; the access key once in both, the signature last.
        $once = array_map(self::encodeTwiceInUtf8(...), $fields);
        $key = ['AWSAccessKeyId' => $this->accessKey];
        $signature = $this->sign('POST', 'https://amazonpay.amazon.in/', $once + $key + self::SIGNATURE);
        $plaintext = self::pairs(array_map(self::encodeTwiceInUtf8(...), $once) + $key)
            . '&Signature=' . rawurlencode($signature);

        [$dataKey, $iv] = [random_bytes(16), random_bytes(16)];
        $payload = openssl_encrypt($plaintext, 'aes-128-gcm', $dataKey, OPENSSL_RAW_DATA, $iv, $tag) . $tag;
        openssl_public_encrypt($dataKey, $wrapped, $this->pem(), OPENSSL_PKCS1_OAEP_PADDING);

        $sealed = array_map(base64_encode(...), ['payload' => $payload, 'key' => $wrapped, 'iv' => $iv]);
        return $this->at(self::PAY) . '?' . http_build_query($sealed + ['redirectUrl' => $redirectUrl]);
    }

    /**
     * What the buyer's browser brings back; throws unless Amazon signed exactly this.
     *
     * @param array<string, string> $query
     * @return array<string, string>
     */
    public function verifyReturn(array $query): array
    {
        $result = array_diff_key($query, ['signature' => '']);
        $signed = array_map(self::encodeTwiceInUtf8(...), $result) + ['AWSAccessKeyId' => $this->accessKey];
        $expected = $this->sign('POST', 'https://amazonpay.amazon.in/', $signed + self::SIGNATURE);
        if (!hash_equals($expected, $query['signature'] ?? '')) {
            throw new RuntimeException('Amazon has not signed this return.');
        }
        return $result;
    }

    /**
     * The order as Amazon has it, by our own number; null if nobody came to pay it.
     *
     * @return array{orderId: string, state: string, reason: ?string}|null
     */
    public function findOrder(string $sellerOrderId): ?array
    {
        $query = ['QueryId' => $sellerOrderId, 'QueryIdType' => 'SellerOrderId', 'PaymentDomain' => 'IN_INR'];
        $xml = $this->call('ListOrderReference', $query);
        $orderId = self::text($xml, 'AmazonOrderReferenceId');
        return $orderId === null ? null : [
            'orderId' => $orderId,
            'state' => self::text($xml, 'State'),
            'reason' => self::text($xml, 'ReasonCode'),
        ];
    }

    /**
     * Ask for a refund. The answer is Pending; the same $reference again is the same refund.
     *
     * @return array{refundId: string, state: string}
     */
    public function refund(string $orderId, string $reference, string $amount): array
    {
        $xml = $this->call('RefundPayment', [
            'AmazonTransactionId' => $orderId,
            'AmazonTransactionIdType' => 'OrderReferenceId',
            'RefundReferenceId' => $reference,
            'RefundAmount.Amount' => $amount,
            'RefundAmount.CurrencyCode' => 'INR',
        ]);
        return ['refundId' => self::text($xml, 'AmazonRefundId'), 'state' => self::text($xml, 'State')];
    }

    /** Pending, Completed or Declined. */
    public function refundState(string $refundId): string
    {
        return self::text($this->call('GetRefundDetails', ['AmazonRefundId' => $refundId]), 'State');
    }

    /**
     * What Amazon notifies us of (IPN, an SNS message); throws unless Amazon signed it, and for us.
     *
     * @return array{type: string, reference: string, state: string, orderId: ?string}
     */
    public function verifyNotification(string $body): array
    {
        $envelope = json_decode($body, true, flags: JSON_THROW_ON_ERROR);
        if (!preg_match('~^https://sns\.[a-z0-9-]{3,}\.amazonaws\.com/[^?#]+\.pem$~D', $envelope['SigningCertURL'])) {
            throw new RuntimeException("The certificate is not at Amazon's address.");
        }
        $canonical = '';
        foreach (['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type'] as $name) {
            $canonical .= "$name\n$envelope[$name]\n";
        }
        $certificate = file_get_contents($this->at($envelope['SigningCertURL']));
        $hash = $envelope['SignatureVersion'] === '2' ? OPENSSL_ALGO_SHA256 : OPENSSL_ALGO_SHA1;
        if (openssl_verify($canonical, base64_decode($envelope['Signature']), $certificate, $hash) !== 1) {
            throw new RuntimeException('Amazon has not signed this notification.');
        }
        $message = json_decode($envelope['Message'], true, flags: JSON_THROW_ON_ERROR);
        if ($message['SellerId'] !== $this->sellerId) {
            throw new RuntimeException('This notification is for another seller.');
        }
        $xml = $message['NotificationData'];
        $type = $message['NotificationType']; // OrderReferenceNotification (a payment) or PaymentRefund
        return [
            'type' => $type,
            'reference' => self::text($xml, $type === 'PaymentRefund' ? 'RefundReferenceId' : 'SellerReferenceId'),
            'state' => self::text($xml, 'State'),
            'orderId' => self::text($xml, 'OrderID'),
        ];
    }

    /** @param array<string, string> $fields */
    private function call(string $action, array $fields): string
    {
        $parameters = $fields + self::SIGNATURE + [
            'Action' => $action,
            'Version' => '2013-01-01',
            'SellerId' => $this->sellerId,
            'AWSAccessKeyId' => $this->accessKey,
            'Timestamp' => gmdate('Y-m-d\TH:i:s\Z'),
        ];
        $url = $this->at(self::OPERATIONS);
        $encoded = array_map(rawurlencode(...), $parameters);
        $encoded['Signature'] = rawurlencode($this->sign('POST', $url, $encoded));
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => self::pairs($encoded),
            'ignore_errors' => true, // hands over what a refusal says
            'timeout' => 30,
        ]]);
        $xml = file_get_contents($url, false, $context);
        if (self::text($xml, 'Code') !== null) {
            throw new RuntimeException("$action: " . self::text($xml, 'Code') . ': ' . self::text($xml, 'Message'));
        }
        return $xml;
    }

    /**
     * Signature version 2: four lines, the parameters in the byte order of their names.
     *
     * @param array<string, string> $encoded
     */
    private function sign(string $verb, string $url, array $encoded): string
    {
        ksort($encoded, SORT_STRING);
        $parts = parse_url($url);
        $host = $parts['host'] . (isset($parts['port']) ? ":$parts[port]" : '');
        $lines = implode("\n", [$verb, $host, $parts['path'], self::pairs($encoded)]);
        return base64_encode(hash_hmac('sha256', $lines, $this->secretKey, true));
    }

    private function at(string $address): string
    {
        return $this->baseUrl === '' ? $address : rtrim($this->baseUrl, '/') . parse_url($address, PHP_URL_PATH);
    }

    private function pem(): string
    {
        return "-----BEGIN PUBLIC KEY-----\n" . chunk_split($this->publicKey, 64, "\n") . "-----END PUBLIC KEY-----\n";
    }

    /** As Amazon's clients for India write text: its UTF-8, taken for Latin-1, percent-encoded as UTF-8. */
    private static function encodeTwiceInUtf8(string $value): string
    {
        return rawurlencode(iconv('ISO-8859-1', 'UTF-8', $value));
    }

    /** @param array<string, string> $fields */
    private static function pairs(array $fields): string
    {
        return implode('&', array_map(fn ($name, $value) => "$name=$value", array_keys($fields), $fields));
    }

    /** The text of the first such element. Use an XML parser for notes and names, which may hold entities. */
    private static function text(string $xml, string $name): ?string
    {
        return preg_match("~<$name>([^<]*)</$name>~", $xml, $found) ? $found[1] : null;
    }
}
