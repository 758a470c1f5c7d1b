<?php

declare(strict_types=1);

// The shop against a running sandbox: `mockpay serve`, then `php tests.php`. No browser, no real money, no waiting.

require __DIR__ . '/Sandbox.php';
require __DIR__ . '/AmazonPay.php';

const CARD = ['method' => 'card', 'number' => '4111 1111 1111 1111', 'expiry' => '08/35', 'cvv' => '123', 'name' => 'Asha Rao'];
const UPI = ['method' => 'upi', 'vpa' => 'success@mockpay'];

/** A shop of a test's own, served by `php -S`, with a seller of its own at the sandbox. */
final class Shop
{
    public readonly string $url;
    public readonly Sandbox $sandbox;
    private readonly string $file;
    /** @var resource */
    private $server;

    public function __construct()
    {
        $host = getenv('SHOP_HOST') ?: '127.0.0.1'; // the name that the sandbox knows this machine by
        $free = stream_socket_server("tcp://$host:0");
        $address = $host . strrchr(stream_socket_get_name($free, false), ':');
        fclose($free);
        $this->url = "http://$address";
        $this->sandbox = new Sandbox($this->url);
        $this->file = tempnam(sys_get_temp_dir(), 'shop');
        $environment = $this->sandbox->environment + ['SHOP_BOOKS' => $this->file] + getenv();
        $silent = [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']];
        $this->server = proc_open([PHP_BINARY, '-S', $address, 'index.php'], $silent, $pipes, __DIR__, $environment);
        for ($try = 0; $try < 500 && !$listening = @stream_socket_client("tcp://$address"); $try++) {
            usleep(10_000);
        }
    }

    public function __destruct()
    {
        proc_terminate($this->server);
        unlink($this->file);
    }

    /** A buyer clicks "Buy" and comes to the payment's page; the order as the sandbox has it. */
    public function buy(string $number, string $amount): array
    {
        $toAmazon = Reply::of('GET', "$this->url/buy?number=$number&amount=$amount");
        $toPage = Reply::of('GET', $toAmazon->location);
        preg_match('~/pay/([^/]+)~', $toPage->location, $token);
        return $this->sandbox->findOrder(['token' => $token[1]]);
    }

    public function refund(string $number, string $amount): string
    {
        $form = http_build_query(['number' => $number, 'amount' => $amount]);
        return Reply::of('POST', "$this->url/refund", $form, ['Content-Type: application/x-www-form-urlencoded'])->body;
    }

    public function order(string $number): array
    {
        return $this->books()['orders'][$number];
    }

    public function books(): array
    {
        return json_decode(Reply::of('GET', "$this->url/books")->body, true);
    }
}

function same(mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        throw new RuntimeException('expected ' . var_export($expected, true) . ', got ' . var_export($actual, true));
    }
}

$tests = [
    'a payment by UPI comes back signed, and the shop believes it' => function (Shop $shop): void {
        $order = $shop->buy('ORDER-1', '499.00');
        $paid = $shop->sandbox->pay($order['order_id'], UPI);
        same("Your payment: SUCCESS\n", Reply::of('GET', $paid['return_url'])->body);
        same('SUCCESS', $shop->order('ORDER-1')['state']);
        same($order['order_id'], $shop->order('ORDER-1')['orderId']);
    },

    "a card's bank asks for a one-time password (3-D Secure): a wrong one, then the right one" => function (Shop $shop): void {
        $order = $shop->buy('ORDER-2', '1499.00');
        same('3ds', $shop->sandbox->pay($order['order_id'], CARD)['waits_for']);
        same('3ds', $shop->sandbox->pay($order['order_id'], ['otp' => '000000'])['waits_for']);
        $paid = $shop->sandbox->pay($order['order_id'], ['otp' => $shop->sandbox->otp()]);
        Reply::of('GET', $paid['return_url']);
        same('SUCCESS', $shop->order('ORDER-2')['state']);
    },

    'a failed payment sends the buyer back to the shop once he gives up' => function (Shop $shop): void {
        $order = $shop->buy('ORDER-3', '499.00');
        $failed = $shop->sandbox->pay($order['order_id'], ['vpa' => 'insufficient@mockpay'] + UPI);
        $back = Reply::of('GET', $failed['return_url']); // the page where he gives up
        Reply::of('GET', $back->location);
        same('FAILURE', $shop->order('ORDER-3')['state']);
    },

    'a failure that somebody has changed into a success is not believed' => function (Shop $shop): void {
        $order = $shop->buy('ORDER-4', '499.00');
        $failed = $shop->sandbox->pay($order['order_id'], ['vpa' => 'insufficient@mockpay'] + UPI);
        $back = Reply::of('GET', $failed['return_url'])->location;
        same(400, Reply::of('GET', str_replace('status=FAILURE', 'status=SUCCESS', $back))->status);
        same(false, $shop->order('ORDER-4')['state'] === 'SUCCESS');
    },

    'a bank that decides late: the shop hears of it by a notification' => function (Shop $shop): void {
        $order = $shop->buy('ORDER-5', '499.00');
        same('PENDING', $shop->sandbox->pay($order['order_id'], ['vpa' => 'pendingok@mockpay'] + UPI)['state']);
        $shop->sandbox->advance(['seconds' => 60]);
        same('SUCCESS', $shop->order('ORDER-5')['state']);
    },

    'a refund is Pending until the clock moves; a notification and GetRefundDetails then say Completed' => function (Shop $shop): void {
        $amazonPay = AmazonPay::of($shop->sandbox->environment);
        $order = $shop->buy('ORDER-6', '499.00');
        $paid = $shop->sandbox->pay($order['order_id'], UPI);
        Reply::of('GET', $paid['return_url']);
        $reference = $shop->refund('ORDER-6', '100.00');
        ['refundId' => $refundId, 'state' => $state] = $shop->books()['refunds'][$reference];
        same('Pending', $state);
        same('Pending', $amazonPay->refundState($refundId));

        $shop->sandbox->advance(['until' => 'idle']);
        same('Completed', $shop->books()['refunds'][$reference]['state']);
        same('Completed', $amazonPay->refundState($refundId));
        same('UpfrontChargeSuccess', $amazonPay->findOrder('ORDER-6')['reason']);
    },

    'a notification that Amazon has not signed is refused' => function (Shop $shop): void {
        $order = $shop->buy('ORDER-7', '499.00');
        $shop->sandbox->pay($order['order_id'], UPI);
        $shop->sandbox->advance(['seconds' => 1]);
        $sent = $shop->sandbox->notification();
        same(200, Reply::of('POST', "$shop->url/ipn", $sent)->status);
        same(400, Reply::of('POST', "$shop->url/ipn", str_replace('Completed', 'Declined', $sent))->status);
        same('SUCCESS', $shop->order('ORDER-7')['state']);
    },
];

$failed = 0;
foreach ($tests as $name => $test) {
    try {
        $test(new Shop());
        echo "ok - $name\n";
    } catch (Throwable $error) {
        $failed++;
        echo "not ok - $name\n    {$error->getMessage()} ({$error->getFile()}:{$error->getLine()})\n";
    }
}
exit($failed === 0 ? 0 : 1);
