//! Finds the secrets that their place or form reveals: credentials and signatures in URLs, passwords of
//! proxies, and tokens.

use std::borrow::Cow;
use std::ops::Range;

use super::REDACTED;
use super::named::{is_secret, merged, without};
use super::named_values::{Extent, named_by};
use super::tokens::tokens;

/// Parts of the names of URL parameters whose values grant access.
const PARTS: [&str; 4] = ["signature", "auth", "pwd", "hmac"];
/// Endings of such names. In the middle of a name, these are parts of harmless words.
const ENDS: [&str; 11] =
    ["sig", "key", "keyid", "key-id", "key_id", "pair-id", "pass", "pw", "code", "jwt", "ticket"];
/// Shorter values of parameters are not collected: they can be common words.
const SHORTEST: usize = 8;

/// A text without the secrets in its addresses, and without tokens.
pub(super) fn credentials(text: &str) -> String {
    without(text, &parts(text))
}

/// The passwords in the URLs of a text, and the values of their secret parameters.
pub fn passwords(text: &str) -> Vec<String> {
    let users = authorities(text).into_iter().map(|range| &text[range]);
    let passwords = users.filter_map(|user| Some(user.split_once(':')?.1));
    let parameters = parameters(text).into_iter().map(|range| &text[range]);
    let parameters = parameters.filter(|value| value.len() >= SHORTEST);
    passwords.chain(parameters).map(str::to_owned).collect()
}

/// The password in the value of this setting, if the name says that it is a proxy.
pub fn proxy_passwords(name: &str, value: &str) -> Option<String> {
    let user = &value[is_proxy(name).then(|| account(value))??];
    Some(user.split_once(':')?.1.to_owned())
}

/// The value of this setting without the password of a proxy.
pub(super) fn proxy_value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match account(value).filter(|_| is_proxy(name)) {
        Some(part) => without(value, &[part]).into(),
        None => value.into(),
    }
}

/// The positions of the secrets in addresses and of the tokens, in order.
pub(super) fn parts(text: &str) -> Vec<Range<usize>> {
    let mut found = authorities(text);
    found.extend(parameters(text));
    found.extend(proxies(text));
    found.extend(tokens(text));
    merged(found)
}

/// The positions of credentials in URLs: `user:password` in `scheme://user:password@host`. The user
/// name of an SSH URL is not a credential.
fn authorities(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("://") {
        let is_ssh = text[..at + start].ends_with("ssh");
        at += start + 3;
        let after = &text[at..];
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '\u{1b}')
        };
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        let Some(end) = authority.rfind('@') else { continue };
        let is_account = is_ssh && !authority[..end].contains(':');
        if !is_account && !authority.starts_with(REDACTED) {
            found.push(at..at + end);
        }
        at += end;
    }
    found
}

/// The positions of secret parameters of URLs. A signed URL grants access without a password.
fn parameters(text: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{1b}');
    // Some JSON encoders escape an ampersand, which then starts with a backslash. All of them
    // escape quotes.
    let separates = |c: char| matches!(c, '?' | '#' | '&' | ';' | '~' | '\\');
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split(ends) {
        let after_scheme = word.find("://").map_or("", |scheme| &word[scheme..]);
        let mut at = start + word.len() - after_scheme.len();
        for part in after_scheme.split(separates) {
            if let Some((name, value)) = part.split_once('=')
                && is_secret_parameter(name)
                && !value.is_empty()
                && !value.starts_with(REDACTED)
            {
                found.push(at + name.len() + 1..at + part.len());
            }
            at += part.len() + 1;
        }
        start += word.len();
        start += text[start..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_secret(&name)
        || PARTS.iter().any(|part| name.contains(part))
        || ENDS.iter().any(|end| name.ends_with(end))
}

/// The positions of `user:password` in `NAME=user:password@host` if the name says that it is a
/// proxy. The address of a proxy can omit the scheme.
fn proxies(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        for part in named_by(line, Extent::Word, &is_proxy) {
            let begin = start + part.start;
            let account = account(&line[part]);
            found.extend(account.map(|part| begin + part.start..begin + part.end));
        }
        start += line.len() + 1;
    }
    found
}

fn is_proxy(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("proxy") || name.contains("proxies")
}

/// The position of `user:password` in the address of a proxy without a scheme.
fn account(address: &str) -> Option<Range<usize>> {
    let end = address.rfind('@').filter(|end| *end > 0)?;
    let is_bare = !address.contains("://") && !address.starts_with(REDACTED);
    is_bare.then_some(0..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_a_url_goes_and_the_rest_of_it_stays() {
        for (text, shown) in [
            (
                "https://b.s3.example/u.img?X-Amz-Date=1&X-Amz-Signature=ab12&X-Amz-Expires=9 x",
                "https://b.s3.example/u.img?X-Amz-Date=1&X-Amz-Signature=[redacted]&X-Amz-Expires=9 x",
            ),
            (
                "https://h.example/a.img?hdnts=exp=1~acl=/*~hmac=0123abcd",
                "https://h.example/a.img?hdnts=exp=1~acl=/*~hmac=[redacted]",
            ),
            (
                "\"https://h/a?AWSAccessKeyId=AK&Expires=1&Signature=s%2B\"",
                "\"https://h/a?AWSAccessKeyId=[redacted]&Expires=1&Signature=[redacted]\"",
            ),
            (
                "https://h/?SIG=a&sv=2&Key-Pair-Id=K",
                "https://h/?SIG=[redacted]&sv=2&Key-Pair-Id=[redacted]",
            ),
            (
                "https://h/?pwd=a;key=b#code=c",
                "https://h/?pwd=[redacted];key=[redacted]#code=[redacted]",
            ),
            (
                "https://h/?a=1\\u0026sig=b\\u0026c=2",
                "https://h/?a=1\\u0026sig=[redacted]\\u0026c=2",
            ),
            ("\\\"https://h/?sig=b\\\" c", "\\\"https://h/?sig=[redacted]\\\" c"),
            (
                "http://u:p@h/?to=https://v:q@i/?sig=b",
                "http://[redacted]@h/?to=https://[redacted]@i/?sig=[redacted]",
            ),
            ("https://h/?sig=https://v:q@i/", "https://h/?sig=[redacted]"),
        ] {
            assert_eq!(credentials(text), shown);
            assert_eq!(credentials(shown), shown);
        }
        let harmless = "https://h/monkeys?codename=jammy&arch=amd64&sig=&page=2 key=x";
        assert_eq!(credentials(harmless), harmless);
        assert_eq!(passwords("https://u:p@h/?sig=12345678&key=1"), ["p", "12345678"]);
    }

    #[test]
    fn the_password_of_a_proxy_goes_without_a_scheme_too() {
        for (text, shown) in [
            ("HTTPS_PROXY=me:pw@proxy:3128 x", "HTTPS_PROXY=[redacted]@proxy:3128 x"),
            ("  https_proxy: me:pw@proxy:3128", "  https_proxy: [redacted]@proxy:3128"),
            ("a\n\"http-proxy\":\"me:p@w@h\",", "a\n\"http-proxy\":\"[redacted]@h\","),
            ("HTTP_PROXY=http://me:pw@h", "HTTP_PROXY=http://[redacted]@h"),
        ] {
            assert_eq!(credentials(text), shown);
            assert_eq!(credentials(shown), shown);
        }
        let harmless = "no_proxy: localhost, proxy=h:3128, MAIL=me@example.com";
        assert_eq!(credentials(harmless), harmless);
        assert_eq!(proxy_passwords("HTTPS_PROXY", "me:pw@h:1"), Some("pw".to_owned()));
        assert_eq!(proxy_passwords("MAIL", "me:pw@h:1"), None);
        assert_eq!(proxy_value("httpProxy", "me:pw@h:1"), "[redacted]@h:1");
    }
}
