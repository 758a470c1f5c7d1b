<?php

declare(strict_types=1);

/** An HTTP exchange of the tests: status, Location and body; redirects are not followed. */
final class Reply
{
    private function __construct(
        public readonly int $status,
        public readonly string $location,
        public readonly string $body,
    ) {
    }

    /** @param list<string> $headers */
    public static function of(string $method, string $url, ?string $body = null, array $headers = []): self
    {
        $options = ['method' => $method, 'ignore_errors' => true, 'follow_location' => 0, 'timeout' => 60];
        $context = stream_context_create(['http' => $options + ['header' => $headers, 'content' => $body ?? '']]);
        $content = file_get_contents($url, false, $context);
        $head = implode("\n", $http_response_header);
        preg_match('~^Location: (.*)$~mi', $head, $location);
        return new self((int) substr($head, 9, 3), trim($location[1] ?? ''), $content);
    }
}

/** A seller of the sandbox (`mockpay serve`, at MOCKPAY_URL), a world of its own, so tests never meet. */
final class Sandbox
{
    /** What the shop's environment needs: AMAZONPAY_SELLER_ID, AMAZONPAY_SECRET_KEY ... */
    public readonly array $environment;
    private readonly string $seller;

    public function __construct(string $shopUrl)
    {
        $made = self::call('POST', '/sellers', ['return_urls' => ["$shopUrl/*"], 'ipn_url' => "$shopUrl/ipn"]);
        $this->seller = "/sellers/$made[seller_id]";
        $this->environment = ['AMAZONPAY_BASE_URL' => self::url()] + $made['environment'];
        self::call('PUT', "$this->seller/clock", ['mode' => 'frozen']); // until `advance`
    }

    /** By our own number (seller_order_id), or by the token in the address of the payment's page. */
    public function findOrder(array $query): array
    {
        return self::call('GET', "$this->seller/orders?" . http_build_query($query))['items'][0];
    }

    /** Pay as a buyer would, without a browser; again to answer what the payment then `waits_for`. */
    public function pay(string $orderId, array $typed): array
    {
        return self::call('POST', "$this->seller/orders/$orderId/pay", $typed);
    }

    /** The newest one-time password that the buyer was sent. */
    public function otp(): string
    {
        return self::call('GET', "$this->seller/inbox?kind=otp")['items'][0]['otp'];
    }

    /** The newest notification, as it was sent to the shop. */
    public function notification(): string
    {
        $newest = self::call('GET', "$this->seller/notifications")['items'][0];
        return self::call('GET', "$this->seller/notifications/$newest[notification_id]")['tries'][0]['request']['body'];
    }

    /** Let time pass; when this returns, all that was due has happened and the shop has been notified. */
    public function advance(array $goal): array
    {
        return self::call('POST', "$this->seller/clock/advance", $goal);
    }

    private static function url(): string
    {
        return rtrim(getenv('MOCKPAY_URL') ?: 'http://127.0.0.1:8420', '/');
    }

    private static function call(string $method, string $path, ?array $body = null): array
    {
        $headers = ['Content-Type: application/json'];
        if ($token = getenv('MOCKPAY_ADMIN_TOKEN')) { // a server that is not on loopback wants one
            $headers[] = "Authorization: Bearer $token";
        }
        $reply = Reply::of($method, self::url() . "/_mockpay/v1$path", $body === null ? null : json_encode($body), $headers);
        $answer = json_decode($reply->body, true);
        if ($reply->status >= 400) {
            throw new RuntimeException("$method $path: $reply->status $answer[detail]");
        }
        return $answer;
    }
}
