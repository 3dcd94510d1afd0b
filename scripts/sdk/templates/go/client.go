package kameng

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const waitMax = 30 * time.Second

// Client talks to one platform with one key. Safe for many goroutines. Orders are repeated by themselves when no answer
// came or the platform was busy: the same ClientRef never orders twice.
type Client struct {
	URL    string // without a path: https://shop.example
	Key    string
	Secret string
	Tries  int // 0: 4
	HTTP   *http.Client
}

// New is a client with a time-out of 30 seconds.
func New(baseURL, key, secret string) *Client {
	return &Client{URL: baseURL, Key: key, Secret: secret, Tries: 4, HTTP: &http.Client{Timeout: 30 * time.Second}}
}

type call struct {
	method, path, mediaType string
	query                   url.Values
	body                    any
	repeatable, unsigned    bool
}

@operations@

func (c *Client) do(ctx context.Context, what call, answer any) error {
	body, err := bytesOf(what.body)
	if err != nil {
		return err
	}
	tries := c.Tries
	if tries < 1 {
		tries = 4
	}
	for attempt := 0; ; attempt++ {
		isLast := attempt+1 >= tries
		status, retryAfter, data, err := c.send(ctx, what, body)
		if err != nil {
			if isLast || !what.repeatable || ctx.Err() != nil {
				return &NoAnswer{err}
			}
			retryAfter = ""
		} else if status < 400 {
			if answer == nil || len(data) == 0 {
				return nil
			}
			return json.Unmarshal(data, answer)
		} else {
			refusal := refusalOf(status, data)
			comeAgain := status == 408 || status == 429 || status == 503
			if isLast || !comeAgain || !mayRepeat(refusal, what.repeatable) {
				return refusal
			}
		}
		select {
		case <-ctx.Done():
			return &NoAnswer{ctx.Err()}
		case <-time.After(pause(attempt, retryAfter)):
		}
	}
}

func (c *Client) send(ctx context.Context, what call, body []byte) (int, string, []byte, error) {
	query := what.query.Encode()
	target := strings.TrimSuffix(c.URL, "/") + what.path
	if query != "" {
		target += "?" + query
	}
	request, err := http.NewRequestWithContext(ctx, what.method, target, bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	if len(body) > 0 {
		mediaType := what.mediaType
		if mediaType == "" {
			mediaType = "application/json"
		}
		request.Header.Set("Content-Type", mediaType)
	}
	if !what.unsigned {
		authorization, err := c.authorization(what.method, what.path, query, body)
		if err != nil {
			return 0, "", nil, err
		}
		request.Header.Set("Authorization", authorization)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Retry-After"), data, err
}

func (c *Client) authorization(method, path, query string, body []byte) (string, error) {
	random := make([]byte, 18)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	nonce := base64.RawURLEncoding.EncodeToString(random)
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256(body)
	canonical := strings.Join([]string{method, path, query, ts, nonce, hex.EncodeToString(digest[:])}, "\n")
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(canonical))
	return fmt.Sprintf("KAMENG-HMAC-SHA256 key=%s,ts=%s,nonce=%s,sig=%s", c.Key, ts, nonce, hex.EncodeToString(mac.Sum(nil))), nil
}

// mayRepeat: nothing was done, or it can't be done twice.
func mayRepeat(refusal *APIError, repeatable bool) bool {
	if refusal.Outcome == "none" {
		return refusal.Retry == "same_key"
	}
	return repeatable && (refusal.Retry == "same_key" || refusal.Retry == "query_first")
}

// pause is what the platform asks for, else twice as long each time; never all clients at once.
func pause(attempt int, retryAfter string) time.Duration {
	wait := 200 * time.Millisecond << attempt
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds >= 0 {
		wait = time.Duration(seconds) * time.Second
	}
	if wait > waitMax {
		wait = waitMax
	}
	return wait + time.Duration(mathrand.Intn(100))*time.Millisecond
}

func refusalOf(status int, data []byte) *APIError {
	refusal := &APIError{Retry: "query_first", Outcome: "unknown"}
	if json.Unmarshal(data, refusal) != nil {
		refusal.Detail = string(data[:min(200, len(data))])
	}
	refusal.Status = status
	return refusal
}

func bytesOf(body any) ([]byte, error) {
	switch found := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return found, nil
	}
	return json.Marshal(body)
}

func put(values url.Values, name string, value any) {
	switch found := value.(type) {
	case string:
		if found != "" {
			values.Set(name, found)
		}
	case *int64:
		if found != nil {
			values.Set(name, strconv.FormatInt(*found, 10))
		}
	case *bool:
		if found != nil {
			values.Set(name, strconv.FormatBool(*found))
		}
	default:
		values.Set(name, fmt.Sprint(value))
	}
}
