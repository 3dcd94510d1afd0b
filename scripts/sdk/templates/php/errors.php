<?php

declare(strict_types=1);

namespace Kameng;

/** Whatever goes wrong. */
class KamengException extends \RuntimeException
{
}

/** No answer came, however often it was tried: the request may have arrived. */
final class NoAnswer extends KamengException
{
}

/**
 * The platform refused, and says why in both languages. `retry`: never, same_key (the same clientRef again), new_key,
 * query_first. `outcome`: none (nothing was done), unknown, done.
 */
class ApiException extends KamengException
{
    public readonly string $errorCode;
    public readonly string $retry;
    public readonly string $outcome;
    public readonly string $title;
    public readonly string $titleZh;
    public readonly string $detail;
    public readonly string $detailZh;
    public readonly string $field;
    public readonly string $requestId;

    public function __construct(public readonly int $status, array $problem)
    {
        $this->errorCode = $problem['code'] ?? '';
        $this->retry = $problem['retry'] ?? 'query_first';
        $this->outcome = $problem['outcome'] ?? 'unknown';
        $this->title = $problem['title'] ?? '';
        $this->titleZh = $problem['title_zh'] ?? '';
        $this->detail = $problem['detail'] ?? '';
        $this->detailZh = $problem['detail_zh'] ?? '';
        $this->field = $problem['field'] ?? '';
        $this->requestId = $problem['request_id'] ?? '';
        parent::__construct(rtrim("$status {$this->errorCode}: {$this->title} {$this->detail}"));
    }

    /** The exception of its code; this class itself for codes that are newer than this SDK. */
    public static function of(int $status, array $problem): self
    {
        $kind = self::KINDS[$problem['code'] ?? ''] ?? self::class;
        return new $kind($status, $problem);
    }

    private const KINDS = [
@codes@
    ];
}

@classes@
