<?php

declare(strict_types=1);

namespace Kameng;

/** Not from the platform, or too old: answer 400 and do nothing. */
final class WebhookNotGenuine extends KamengException
{
}

/** Webhooks: whether a call comes from the platform (Standard Webhooks 1.0, `v1`). */
final class Webhook
{
    /**
     * What the webhook says.
     *
     * @param string $secret the endpoint's whsec_…
     * @param array<string, string> $headers
     * @param string $body the very bytes that came
     */
    public static function verify(
        string $secret,
        array $headers,
        string $body,
        int $toleranceS = 300,
        ?int $nowS = null,
    ): array {
        $sent = array_change_key_case($headers, CASE_LOWER);
        $id = $sent['webhook-id'] ?? '';
        $timestamp = $sent['webhook-timestamp'] ?? '';
        if ($id === '' || !ctype_digit($timestamp)) {
            throw new WebhookNotGenuine('webhook-id or webhook-timestamp is missing');
        }
        if (abs(($nowS ?? time()) - (int) $timestamp) > $toleranceS) {
            throw new WebhookNotGenuine('webhook-timestamp is too far from now');
        }
        $key = base64_decode((string) preg_replace('/^whsec_/', '', $secret), true);
        $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", (string) $key, true));
        foreach (explode(' ', $sent['webhook-signature'] ?? '') as $one) {
            if (hash_equals($wanted, $one)) {
                return json_decode($body, true, 64, JSON_THROW_ON_ERROR);
            }
        }
        throw new WebhookNotGenuine('no signature fits');
    }
}
