//! Where we decide differently than the official parser, and why. No server writes any of it.

use serde_json::Value;

/// Why frames may be read differently, if so.
pub(crate) fn deviation(frames: &[Value]) -> Option<&'static str> {
    frames.iter().filter_map(Value::as_str).find_map(of_header)
}

fn of_header(header: &str) -> Option<&'static str> {
    let kind = header.chars().next();
    if kind.is_none_or(char::is_whitespace) {
        return Some("nothing, or a blank, is no type: there it is a 0, and so a connect packet");
    }
    // What comes before the payload, without the namespace.
    let (front, rest) = header.split_at(header.find('/').unwrap_or(header.len()));
    let (_, behind) = rest.split_once(',').unwrap_or_default();
    let numbers = |part: &str| part.split(['[', '{', '"']).next().unwrap_or_default().to_owned();
    let head =
        if front == numbers(front) { front.to_owned() + &numbers(behind) } else { numbers(front) };
    if head.contains(char::is_whitespace) {
        return Some("a blank is no digit: there it is a 0 wherever a number may be");
    }
    let count = head.split('-').next().unwrap_or_default();
    if matches!(kind, Some('5' | '6')) && !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("attachments are counted with digits: there 1e0 and 0x1 are numbers, too");
    }
    let is_odd = |rest: &str| {
        let digits = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        digits.starts_with(['-', '.', 'e', 'E'])
    };
    if header.split(r#""num":"#).skip(1).any(is_odd) {
        return Some(
            "attachments have whole numbers: there -0 and 1e0 are such, and 0.5 is undefined",
        );
    }
    None
}
