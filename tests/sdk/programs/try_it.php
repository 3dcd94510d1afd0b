<?php

// What the test has the PHP SDK do. Prints one JSON object.

declare(strict_types=1);

require __DIR__ . '/kameng/kameng.php';

use Kameng\{Client, NoAnswer, OrderBody, QuoteBody, SoldOut, Webhook, WebhookNotGenuine};

[, $ref, $sku, $bare] = $argv;
$client = new Client(getenv('KAMENG_URL'), getenv('KAMENG_KEY'), getenv('KAMENG_SECRET'));
$wanted = new OrderBody(clientRef: $ref, sku: $sku, quantity: 2);
$placed = $client->placeOrder($wanted);
$again = $client->placeOrder($wanted);
$told = [
    'id' => $placed->id, 'state' => $placed->state, 'total' => $placed->total, 'replayed' => $placed->replayed,
    'secrets' => array_map(fn ($card) => $card->secret, $placed->cards), 'again' => [$again->id, $again->replayed],
];
try {
    $client->placeOrder(new OrderBody(clientRef: "$ref-bare", sku: $bare));
} catch (SoldOut $e) {
    $told['refused'] = [$e->status, $e->errorCode, $e->retry, $e->outcome, $e->field];
    $told['said'] = $e->titleZh;
}
$told['found'] = array_map(fn ($order) => $order->clientRef, $client->listOrders(clientRef: $ref)->orders);
$told['quote'] = $client->askQuotes(new QuoteBody(sku: $sku, quantity: 3))->total;
try {
    $client->revealOrder($placed->id);
    $told['revealed'] = true;
} catch (NoAnswer) {
    $told['revealed'] = false;
}
$body = '{"type":"order.delivered"}';
$sent = ['Webhook-Id' => 'msg_1', 'Webhook-Timestamp' => '1763800000', 'Webhook-Signature' => getenv('SIGNATURE')];
$secret = getenv('WEBHOOK_SECRET');
$told['webhook'] = Webhook::verify($secret, $sent, $body, nowS: 1763800000)['type'];
try {
    Webhook::verify($secret, $sent, "$body ", nowS: 1763800000);
} catch (WebhookNotGenuine) {
    $told['forged'] = true;
}
echo json_encode($told, JSON_UNESCAPED_UNICODE), "\n";
