// A signed request as a program: whole, with nothing but what each language brings, and signed anew at each run.

const quoted = JSON.stringify;
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const php = (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const python = ({ method, path, query, body, base, key }) => `# export KAMENG_SECRET=ks_…
import hashlib
import hmac
import os
import secrets
import time
import urllib.error
import urllib.request

base = ${quoted(base)}
key, secret = ${quoted(key)}, os.environ["KAMENG_SECRET"]
method, path, query = ${quoted(method)}, ${quoted(path)}, ${quoted(query)}
body = ${quoted(body)}.encode()

ts, nonce = int(time.time()), secrets.token_hex(16)
digest = hashlib.sha256(body).hexdigest()
canonical = f"{method}\\n{path}\\n{query}\\n{ts}\\n{nonce}\\n{digest}"
sig = hmac.new(secret.encode(), canonical.encode(), hashlib.sha256).hexdigest()
headers = {"Authorization": f"KAMENG-HMAC-SHA256 key={key},ts={ts},nonce={nonce},sig={sig}"}
if body:
    headers["Content-Type"] = "application/json"

request = urllib.request.Request(base + path + ("?" + query if query else ""), body or None, headers, method=method)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
`;

const curl = ({ method, path, query, body, base, key }) => `# export KAMENG_SECRET=ks_…
base=${shell(base)}
key=${shell(key)}
method=${method}
path=${shell(path)}
query=${shell(query)}
body=${shell(body)}

ts=$(date +%s)
nonce=$(openssl rand -hex 16)
digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
sig=$(printf '%s\\n%s\\n%s\\n%s\\n%s\\n%s' "$method" "$path" "$query" "$ts" "$nonce" "$digest" |
  openssl dgst -sha256 -hmac "$KAMENG_SECRET" -r | cut -d' ' -f1)
curl -sS -X "$method" "$base$path\${query:+?$query}" \\
  -H "Authorization: KAMENG-HMAC-SHA256 key=$key,ts=$ts,nonce=$nonce,sig=$sig"${body ? ` \\
  -H 'Content-Type: application/json' --data-binary "$body"` : ""}
`;

const java = ({ method, path, query, body, base, key }) => `// export KAMENG_SECRET=ks_… ; java Signed.java
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Signed {
  public static void main(String[] arguments) throws Exception {
    String base = ${quoted(base)}, key = ${quoted(key)}, secret = System.getenv("KAMENG_SECRET");
    String method = ${quoted(method)}, path = ${quoted(path)}, query = ${quoted(query)};
    byte[] body = ${quoted(body)}.getBytes(StandardCharsets.UTF_8);

    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    HexFormat hex = HexFormat.of();
    String ts = Long.toString(System.currentTimeMillis() / 1000), nonce = hex.formatHex(random);
    String digest = hex.formatHex(MessageDigest.getInstance("SHA-256").digest(body));
    String canonical = String.join("\\n", method, path, query, ts, nonce, digest);
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    String sig = hex.formatHex(mac.doFinal(canonical.getBytes(StandardCharsets.UTF_8)));

    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path + (query.isEmpty() ? "" : "?" + query)))
        .header("Authorization", "KAMENG-HMAC-SHA256 key=" + key + ",ts=" + ts + ",nonce=" + nonce + ",sig=" + sig)
        .method(method, body.length == 0 ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body));
    if (body.length > 0) request.header("Content-Type", "application/json");
    HttpResponse<String> answer = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
        .send(request.build(), HttpResponse.BodyHandlers.ofString());
    System.out.println(answer.statusCode() + " " + answer.body());
  }
}
`;

const go = ({ method, path, query, body, base, key }) => `// export KAMENG_SECRET=ks_… ; go run signed.go
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	base, key, secret := ${quoted(base)}, ${quoted(key)}, os.Getenv("KAMENG_SECRET")
	method, path, query := ${quoted(method)}, ${quoted(path)}, ${quoted(query)}
	body := []byte(${quoted(body)})

	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	ts, nonce := strconv.FormatInt(time.Now().Unix(), 10), hex.EncodeToString(random)
	digest := sha256.Sum256(body)
	canonical := strings.Join([]string{method, path, query, ts, nonce, hex.EncodeToString(digest[:])}, "\\n")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(canonical))
	sig := hex.EncodeToString(mac.Sum(nil))

	address := base + path
	if query != "" {
		address += "?" + query
	}
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", fmt.Sprintf("KAMENG-HMAC-SHA256 key=%s,ts=%s,nonce=%s,sig=%s", key, ts, nonce, sig))
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(text))
}
`;

const phpProgram = ({ method, path, query, body, base, key }) => `<?php // export KAMENG_SECRET=ks_… ; php signed.php
$base = ${php(base)};
$key = ${php(key)};
$secret = getenv('KAMENG_SECRET');
[$method, $path, $query] = [${php(method)}, ${php(path)}, ${php(query)}];
$body = ${php(body)};

$ts = (string) time();
$nonce = bin2hex(random_bytes(16));
$canonical = implode("\\n", [$method, $path, $query, $ts, $nonce, hash('sha256', $body)]);
$sig = hash_hmac('sha256', $canonical, $secret);
$headers = ["Authorization: KAMENG-HMAC-SHA256 key=$key,ts=$ts,nonce=$nonce,sig=$sig"];
if ($body !== '') {
    $headers[] = 'Content-Type: application/json';
}
$context = stream_context_create(['http' => [
    'method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => 30,
]]);
$answer = file_get_contents($base . $path . ($query === '' ? '' : "?$query"), false, $context);
echo $http_response_header[0], "\\n", $answer, "\\n";
`;

const node = ({ method, path, query, body, base, key }) => `// export KAMENG_SECRET=ks_… ; node signed.mjs
import { createHash, createHmac, randomBytes } from "node:crypto";

const base = ${quoted(base)};
const key = ${quoted(key)};
const secret = process.env.KAMENG_SECRET;
const [method, path, query] = [${quoted(method)}, ${quoted(path)}, ${quoted(query)}];
const body = ${quoted(body)};

const ts = Math.floor(Date.now() / 1000);
const nonce = randomBytes(16).toString("hex");
const digest = createHash("sha256").update(body).digest("hex");
const canonical = [method, path, query, ts, nonce, digest].join("\\n");
const sig = createHmac("sha256", secret).update(canonical).digest("hex");
const headers = { Authorization: \`KAMENG-HMAC-SHA256 key=\${key},ts=\${ts},nonce=\${nonce},sig=\${sig}\` };
if (body) headers["Content-Type"] = "application/json";

const answer = await fetch(base + path + (query ? "?" + query : ""), { method, headers, body: body || undefined });
console.log(answer.status, await answer.text());
`;

export const programs = { python, curl, java, go, php: phpProgram, node };
