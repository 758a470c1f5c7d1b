<?php

declare(strict_types=1);

// A small shop, a router of `php -S`: /buy sends the buyer to Amazon Pay, /return and /ipn bring the news, and nothing
// is believed unsigned. A real shop has a database where this one has a file, and a log-in before /refund and /books.

require __DIR__ . '/AmazonPay.php';

$amazonPay = AmazonPay::of(getenv());
$file = getenv('SHOP_BOOKS');
$books = json_decode(@file_get_contents($file) ?: 'null', true) ?? ['orders' => [], 'refunds' => []];

// Return and notification come in any order, and more than once: what is paid stays paid.
$record = function (string $number, string $state, ?string $orderId) use (&$books): void {
    if ($books['orders'][$number]['state'] !== 'SUCCESS') {
        $books['orders'][$number] = ['state' => $state, 'orderId' => $orderId] + $books['orders'][$number];
    }
};

try {
    switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
        case '/buy':
            ['number' => $number, 'amount' => $amount] = $_GET;
            $books['orders'][$number] = ['amount' => $amount, 'state' => 'NEW', 'orderId' => null];
            $back = "http://$_SERVER[HTTP_HOST]/return";
            header('Location: ' . $amazonPay->paymentUrl($amount, $number, $back), true, 302);
            break;

        case '/return':
            $result = $amazonPay->verifyReturn($_GET);
            $number = $result['sellerOrderId'];
            if ($result['status'] === 'SUCCESS' && $result['orderTotalAmount'] !== $books['orders'][$number]['amount']) {
                throw new RuntimeException('That is not what the order costs.');
            }
            $record($number, $result['status'], $result['amazonOrderId'] ?? null);
            echo "Your payment: $result[status]\n";
            break;

        case '/ipn':
            $news = $amazonPay->verifyNotification(file_get_contents('php://input'));
            if ($news['type'] === 'PaymentRefund') {
                $books['refunds'][$news['reference']]['state'] = $news['state'];
            } else {
                $record($news['reference'], $news['state'] === 'Completed' ? 'SUCCESS' : 'FAILURE', $news['orderId']);
            }
            break;

        case '/refund':
            ['number' => $number, 'amount' => $amount] = $_POST;
            $reference = $number . '-R' . count($books['refunds']) + 1;
            $books['refunds'][$reference] = $amazonPay->refund($books['orders'][$number]['orderId'], $reference, $amount);
            echo $reference;
            break;

        case '/books':
            header('Content-Type: application/json');
            echo json_encode($books);
            break;

        default:
            http_response_code(404);
    }
    file_put_contents($file, json_encode($books));
} catch (Throwable $error) {
    http_response_code(400); // for /ipn: Amazon does not try a refused notification again
    echo $error->getMessage();
}
