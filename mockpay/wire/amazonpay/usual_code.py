"""By a mistake's name: the line of code that is usually at fault, language by language, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

_ENCODERS = (
    "PHP: rawurlencode($v)",
    "Python: quote(v, safe='')",
    'Java: URLEncoder.encode(v, UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~")',
    "JavaScript: encodeURIComponent(v).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())",
)

_LINES: Mapping[str, tuple[str, ...]] = {
    "verb": ("The first line is the method that is sent, in capitals: POST for a form body, GET for a query.",),
    "host": (
        "Sign the host of the URL that is called.",
        "Python: urlsplit(url).netloc",
        "JavaScript: new URL(url).host",
        "PHP: parse_url($url, PHP_URL_HOST)",
    ),
    "host.port": (
        "Python: urlsplit(url).netloc -> urlsplit(url).hostname",
        "JavaScript: new URL(url).host -> new URL(url).hostname",
    ),
    "path": (
        "Sign the path of the URL that is called.",
        "Python: urlsplit(url).path",
        "JavaScript: new URL(url).pathname",
        "PHP: parse_url($url, PHP_URL_PATH)",
    ),
    "path.environment": (
        "One variable for the URL and its string: '/OffAmazonPayments' . ($sandbox ? '_Sandbox' : '')",
    ),
    "path.slashes": ("base + '/' + path, where one of them has that slash already -> base.rstrip('/') + path",),
    "order": (
        "Python: sorted(params)",
        "PHP: ksort($params, SORT_FLAG_CASE | SORT_STRING), uksort($params, 'strcasecmp') -> uksort($params, 'strcmp')",
        "JavaScript: sort((a, b) => a.localeCompare(b)) -> sort()",
        "C#: SortedDictionary<string, string>() -> SortedDictionary<string, string>(StringComparer.Ordinal)",
        "Java: new TreeMap<>(String.CASE_INSENSITIVE_ORDER) -> new TreeMap<>()",
    ),
    "order.pairs": ("Sort the names, not 'name=value' joined: = comes after the digits and the dot.",),
    "parameter.unsigned": (
        "Sign last: Version, MWSAuthToken or a default of the HTTP client, added later, are not in the string.",
    ),
    "parameter.constant": ("Sign SignatureMethod=HmacSHA256 and SignatureVersion=2 too; the payload leaves them out.",),
    "parameter.unsent": ("Sign exactly what is sent: drop empty and null values before signing, not after.",),
    "encoding.space": (
        "PHP: urlencode($v), http_build_query($params) -> rawurlencode($v), PHP_QUERY_RFC3986",
        "Python: quote_plus(v), urlencode(params) -> quote(v, safe=''), urlencode(params, quote_via=quote)",
        'Java: URLEncoder.encode(v, UTF_8) -> .replace("+", "%20")',
        "JavaScript: new URLSearchParams(params).toString() -> encodeURIComponent(v)",
    ),
    "encoding.tilde": (
        "PHP: urlencode($v) (and rawurlencode before 5.3) -> str_replace('%7E', '~', rawurlencode($v))",
        'Java: URLEncoder.encode(v, UTF_8) -> .replace("%7E", "~")',
        "Python before 3.7: quote(v) -> quote(v, safe='~')",
    ),
    "encoding.marks": (
        f"JavaScript: encodeURIComponent(v) -> {_ENCODERS[3].partition(': ')[2]}",
        'Java: URLEncoder.encode(v, UTF_8) -> .replace("*", "%2A")',
        ".NET: HttpUtility.UrlEncode(v), WebUtility.UrlEncode(v) -> Uri.EscapeDataString(v) of .NET 4.5 or later",
    ),
    "encoding.hex": (
        "JavaScript: c.charCodeAt(0).toString(16) -> c.charCodeAt(0).toString(16).toUpperCase()",
        'C#: HttpUtility.UrlEncode(v), "{0:x2}" -> Uri.EscapeDataString(v), "{0:X2}"',
        "Ruby, Perl, C: '%%%02x' -> '%%%02X'",
    ),
    "encoding.bare": (
        "Python: quote(v) -> quote(v, safe='')",
        "JavaScript: encodeURI(v) -> encodeURIComponent(v)",
        "Every value is encoded, also the colons of the Timestamp.",
    ),
    "encoding.excess": ("Bare stay A-Z a-z 0-9 - _ . ~ only; escape() and home-made tables leave others.", *_ENCODERS),
    "value.unencoded": ("Encode each value before joining.", *_ENCODERS),
    "value.twice": ("Encode once: rawurlencode(rawurlencode($v)), or a value that was encoded before.",),
    "value.once": (
        "Sign over the values encoded once; then encode each once more, but AWSAccessKeyId and Signature, and seal.",
    ),
    "text.utf8_twice": (
        "PHP: utf8_encode($v), where $v is UTF-8 already -> $v",
        "Python: quote(v.encode().decode('latin-1')) -> quote(v)",
        "Node: Buffer.from(v).toString('binary') -> v",
    ),
    "text.utf8_once": ("PHP: utf8_encode($v) for what is sent or for what is signed -> for both or neither",),
    "text.latin1": (
        "Java: v.getBytes(), URLEncoder.encode(v) -> UTF_8",
        "PHP: utf8_decode($v), or a page or table in ISO-8859-1 -> UTF-8",
        "Python: quote(v, encoding='latin-1') -> quote(v)",
        "JavaScript: escape(v) -> encodeURIComponent(v)",
    ),
    "text.normal_form": ("unicodedata.normalize('NFC', v), v.normalize('NFC'): once, before signing and sending.",),
    "string.newline": ('Shell: echo "$string" | openssl dgst ... -> printf \'%s\' "$string" | openssl dgst ...',),
    "string.crlf": ('PHP_EOL, Environment.NewLine, System.lineSeparator() -> "\\n"',),
    "signature.hex": (
        "PHP: hash_hmac('sha256', $string, $secret) -> base64_encode(hash_hmac('sha256', $string, $secret, true))",
        "Python: .hexdigest() -> b64encode(.digest())",
        "JavaScript: .digest('hex') -> .digest('base64')",
    ),
    "signature.space": ("Percent-encode the Signature too, in a body as well: curl --data-urlencode.", *_ENCODERS),
    "signature.urlsafe": (
        "Python: urlsafe_b64encode -> b64encode",
        "Java: Base64.getUrlEncoder() -> Base64.getEncoder()",
        "JavaScript: 'base64url' -> 'base64'",
    ),
    "signature.newline": (
        "Ruby: Base64.encode64 -> Base64.strict_encode64",
        "Python: base64.encodebytes -> base64.b64encode",
    ),
    "signature.twice": ("The HTTP client encodes what it is given: give it the bare base64.",),
    "hmac.digest": (
        "PHP: hash_hmac('sha1', ...) -> hash_hmac('sha256', ...)",
        "Python: hashlib.sha1 -> hashlib.sha256",
        'Java: Mac.getInstance("HmacSHA1") -> Mac.getInstance("HmacSHA256")',
    ),
    "hmac.swapped": (
        "PHP: hash_hmac('sha256', $string, $secret, true)",
        "Python: hmac.new(secret, string, sha256)",
        "JavaScript: createHmac('sha256', secret).update(string)",
    ),
    "hmac.plain": ("PHP: hash('sha256', $string) -> hash_hmac('sha256', $string, $secret, true)",),
    "time": (
        "UTC, made anew for each call, also when it is tried again.",
        "PHP: date('c') -> gmdate('Y-m-d\\TH:i:s\\Z')",
        "Python: datetime.now().isoformat() + 'Z' -> datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')",
        "JavaScript: new Date().toISOString()",
    ),
    "key.newline": ("A key that is read from a file: strip it; shell: echo -> printf '%s'.",),
    "key.space": ("A key that was pasted or read from a file: strip it.",),
    "key.quotes": ("A .env file or a shell that keeps quotes: NAME=value without them.",),
    "key": ("The secret key of the seller whose access key is sent, as the seller's page shows it.",),
}


def usual_code(name: str) -> str:
    """The lines of a mistake, or of what stands before the dot of its name; may be empty."""
    return "\n".join(_LINES.get(name, _LINES.get(name.partition(".")[0], ())))
