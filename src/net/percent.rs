//! Percent encoding with the character sets of JavaScript's `encodeURIComponent` and of WHATWG URL paths.

use std::fmt::Write;

/// `key=value&...`, both sides as `encodeURIComponent` does it.
pub(super) fn encode_query(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (key, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        encode(&mut query, key, b"-_.!~*'()");
        query.push('=');
        encode(&mut query, value, b"-_.!~*'()");
    }
    query
}

/// Pairs of a query as socket.io-client reads them: only the first `=` and what follows up to the next one count, and a
/// key without `=` has the value `undefined`.
pub(super) fn decode_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut parts = pair.split('=');
            let key = parts.next().unwrap_or_default();
            let value = parts.next().unwrap_or("undefined");
            (decode(key), decode(value))
        })
        .collect()
}

/// Keeps what is encoded already, and every character that a path may have.
pub(super) fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    encode(&mut encoded, path, b"/%:@-._~!$&'()*+,;=");
    encoded
}

fn encode(out: &mut String, text: &str, unescaped: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || unescaped.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The text itself when it is not well-formed, where JavaScript would throw.
pub(super) fn decode(text: &str) -> String {
    let decoded = || {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            if *first == b'%' {
                let [high, low, after @ ..] = tail else { return None };
                let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
                bytes.push((high * 16 + low) as u8);
                rest = after;
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).ok()
    };
    decoded().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_queries_as_encode_uri_component_does() {
        let rows = [
            ("unreserved stay", "azAZ09-_.!~*'()", "azAZ09-_.!~*'()"),
            ("reserved are escaped", "&a=&=?a /+#", "%26a%3D%26%3D%3Fa%20%2F%2B%23"),
            ("other characters are UTF-8", "é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80"),
        ];
        for (label, text, encoded) in rows {
            let pairs = [(text.to_owned(), text.to_owned())];
            assert_eq!(encode_query(&pairs), format!("{encoded}={encoded}"), "{label}");
            assert_eq!(decode_query(&encode_query(&pairs)), pairs, "{label}");
        }
    }

    #[test]
    fn decodes_queries_as_the_official_client_does() {
        let rows = [
            ("empty", "", vec![]),
            ("two pairs", "a=1&b=%26", vec![("a", "1"), ("b", "&")]),
            ("no value", "woot", vec![("woot", "undefined")]),
            ("second equals sign", "a=b=c", vec![("a", "b")]),
            ("malformed escapes stay", "a=%+1%1&%ff=1", vec![("a", "%+1%1"), ("%ff", "1")]),
            ("plus stays", "a=b+c", vec![("a", "b+c")]),
        ];
        for (label, query, expected) in rows {
            let decoded = decode_query(query);
            let decoded: Vec<_> = decoded.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(decoded, expected, "{label}");
        }
    }

    #[test]
    fn encodes_only_what_a_path_may_not_have() {
        assert_eq!(encode_path("/a b/é/%20/x:y@z"), "/a%20b/%C3%A9/%20/x:y@z");
    }
}
