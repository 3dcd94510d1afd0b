package kameng.sdk;

import java.util.Map;

/** What can go wrong: {@link ApiException} and its kinds, one for each code; {@link NoAnswer} if none came. */
public final class Errors {
    private Errors() {}

    /** Whatever goes wrong. */
    public static class KamengException extends RuntimeException {
        KamengException(String message, Throwable cause) { super(message, cause); }
    }

    /** No answer came, however often it was tried: the request may have arrived. */
    public static final class NoAnswer extends KamengException {
        NoAnswer(String message, Throwable cause) { super(message, cause); }
    }

    /**
     * The platform refused, and says why in both languages. {@code retry}: never, same_key (the same clientRef again),
     * new_key, query_first. {@code outcome}: none (nothing was done), unknown, done.
     */
    public static class ApiException extends KamengException {
        public final int status;
        public final String code, retry, outcome, title, titleZh, detail, detailZh, field, requestId;

        ApiException(int status, Map<String, Object> problem) {
            super(status + " " + text(problem, "code", "") + ": " + text(problem, "title", "") + " "
                + text(problem, "detail", ""), null);
            this.status = status;
            code = text(problem, "code", "");
            retry = text(problem, "retry", "query_first");
            outcome = text(problem, "outcome", "unknown");
            title = text(problem, "title", "");
            titleZh = text(problem, "title_zh", "");
            detail = text(problem, "detail", "");
            detailZh = text(problem, "detail_zh", "");
            field = text(problem, "field", "");
            requestId = text(problem, "request_id", "");
        }
    }

@classes@

    private static String text(Map<String, Object> problem, String name, String otherwise) {
        return problem.get(name) instanceof String found ? found : otherwise;
    }

    /** The error of its code; {@link ApiException} itself for codes that are newer than this SDK. */
    static ApiException of(int status, Map<String, Object> problem) {
        return switch (text(problem, "code", "")) {
@codes@
            default -> new ApiException(status, problem);
        };
    }
}
