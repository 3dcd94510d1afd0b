package kameng

import "fmt"

// Code says why the platform refused.
type Code string

// Every code that this SDK knows; newer ones may come.
const (
@codes@
)

// Error lets a code be used with errors.Is: errors.Is(err, kameng.SoldOut).
func (c Code) Error() string { return string(c) }

// APIError is a refusal, with its reason in both languages. Retry: never, same_key (the same ClientRef again),
// new_key, query_first. Outcome: none (nothing was done), unknown, done.
type APIError struct {
	Status    int    `json:"-"`
	Code      Code   `json:"code"`
	Retry     string `json:"retry"`
	Outcome   string `json:"outcome"`
	Title     string `json:"title"`
	TitleZh   string `json:"title_zh"`
	Detail    string `json:"detail"`
	DetailZh  string `json:"detail_zh"`
	Field     string `json:"field"`
	RequestID string `json:"request_id"`
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%d %s: %s %s", e.Status, e.Code, e.Title, e.Detail)
}

// Is tells whether the refusal has this code.
func (e *APIError) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// NoAnswer means that none came, however often it was tried: the request may have arrived.
type NoAnswer struct{ Cause error }

func (e *NoAnswer) Error() string { return "no answer: " + e.Cause.Error() }

// Unwrap gives what went wrong below.
func (e *NoAnswer) Unwrap() error { return e.Cause }
