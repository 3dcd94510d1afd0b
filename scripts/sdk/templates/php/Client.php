<?php

declare(strict_types=1);

namespace Kameng;

/**
 * Talks to one platform with one key; signs every request, and repeats what may be repeated. Orders are repeated by
 * themselves when no answer came or the platform was busy: the same clientRef never orders twice.
 */
final class Client
{
    private const WAIT_MAX_S = 30.0;

    /** @param string $url without a path: https://shop.example */
    public function __construct(
        private readonly string $url,
        private readonly string $key,
        private readonly string $secret,
        private readonly float $timeoutS = 30.0,
        private readonly int $tries = 4,
        private readonly array $tls = [],
    ) {
    }

@operations@

    /** Any endpoint: the decoded answer, or the exception. Signed afresh at every try. */
    public function call(
        string $method,
        string $path,
        array $query = [],
        mixed $body = null,
        string $mediaType = 'application/json',
        bool $repeatable = false,
        bool $signed = true,
    ): mixed {
        $asked = http_build_query(array_filter($query, fn ($v) => $v !== null), '', '&', PHP_QUERY_RFC3986);
        $data = match (true) {
            $body === null => '',
            is_string($body) => $body,
            default => json_encode($body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE),
        };
        for ($attempt = 0;; $attempt++) {
            $isLast = $attempt + 1 >= $this->tries;
            $answer = $this->send($method, $path, $asked, $data, $mediaType, $signed);
            if ($answer === null) {
                if ($isLast || !$repeatable) {
                    throw new NoAnswer("$method $path");
                }
                self::pause($attempt, '');
                continue;
            }
            [$status, $retryAfter, $text] = $answer;
            if ($status < 400) {
                return $text === '' ? null : json_decode($text, true, 64, JSON_THROW_ON_ERROR);
            }
            $problem = json_decode($text, true);
            $refusal = ApiException::of($status, is_array($problem) ? $problem : ['detail' => substr($text, 0, 200)]);
            if ($isLast || !in_array($status, [408, 429, 503], true) || !self::mayRepeat($refusal, $repeatable)) {
                throw $refusal;
            }
            self::pause($attempt, $retryAfter);
        }
    }

    /** @return array{int, string, string}|null */
    private function send(
        string $method,
        string $path,
        string $query,
        string $body,
        string $mediaType,
        bool $signed,
    ): ?array {
        $headers = $body === '' ? [] : ["Content-Type: $mediaType"];
        if ($signed) {
            $headers[] = 'Authorization: ' . $this->authorization($method, $path, $query, $body);
        }
        $context = stream_context_create([
            'http' => [
                'method' => $method, 'header' => $headers, 'content' => $body, 'timeout' => $this->timeoutS,
                'ignore_errors' => true, 'follow_location' => 0, 'protocol_version' => 1.1,
            ],
            'ssl' => $this->tls,
        ]);
        $target = rtrim($this->url, '/') . $path . ($query === '' ? '' : "?$query");
        $text = @file_get_contents($target, false, $context);
        if ($text === false || !isset($http_response_header)) {
            return null;
        }
        $retryAfter = '';
        foreach ($http_response_header as $line) {
            if (stripos($line, 'retry-after:') === 0) {
                $retryAfter = trim(substr($line, 12));
            }
        }
        return [(int) explode(' ', $http_response_header[0])[1], $retryAfter, $text];
    }

    private function authorization(string $method, string $path, string $query, string $body): string
    {
        $ts = (string) time();
        $nonce = rtrim(strtr(base64_encode(random_bytes(18)), '+/', '-_'), '=');
        $canonical = implode("\n", [$method, $path, $query, $ts, $nonce, hash('sha256', $body)]);
        $signature = hash_hmac('sha256', $canonical, $this->secret);
        return "KAMENG-HMAC-SHA256 key={$this->key},ts=$ts,nonce=$nonce,sig=$signature";
    }

    /** Nothing was done, or it can't be done twice. */
    private static function mayRepeat(ApiException $refusal, bool $repeatable): bool
    {
        if ($refusal->outcome === 'none') {
            return $refusal->retry === 'same_key';
        }
        return $repeatable && in_array($refusal->retry, ['same_key', 'query_first'], true);
    }

    /** What the platform asks for, else twice as long each time; never all clients at once. */
    private static function pause(int $attempt, string $retryAfter): void
    {
        $asked = ctype_digit($retryAfter) ? (float) $retryAfter : 0.2 * 2 ** $attempt;
        usleep((int) (min($asked, self::WAIT_MAX_S) * 1_000_000) + random_int(0, 100_000));
    }
}
