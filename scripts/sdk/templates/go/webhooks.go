package kameng

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrWebhookNotGenuine: not from the platform, or too old. Answer 400 and do nothing.
var ErrWebhookNotGenuine = errors.New("the webhook is not genuine")

// VerifyWebhook tells whether a call comes from the platform (Standard Webhooks 1.0, v1). The secret is the endpoint's
// whsec_…, the body the very bytes that came; 300 seconds around now are tolerated.
func VerifyWebhook(secret string, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return ErrWebhookNotGenuine
	}
	if age := now.Unix() - seconds; age > 300 || age < -300 {
		return ErrWebhookNotGenuine
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	wanted := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, one := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal(wanted, []byte(one)) {
			return nil
		}
	}
	return ErrWebhookNotGenuine
}
