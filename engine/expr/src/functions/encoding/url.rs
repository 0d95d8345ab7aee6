//! `PARSE_URL`: the parts of a URL as Java's `URL` has them.
//!
//! Owns the taking apart; nothing is decoded. What is no URL, or one of a protocol that Java does not know, has no parts.
//! For example the `FILE` of `http://u:p@h:80/a?q=1#r` is `/a?q=1`, its `AUTHORITY` is `u:p@h:80`.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use crate::functions::definition::Call;

/// The part called by the second argument, or the value of a key in the query; null when there is none.
pub(super) fn parse_url(call: &Call<'_>) -> Result<ArrayRef> {
    let (urls, parts) = (call.text(0)?, call.text(1)?);
    let keys = if call.count() > 2 { Some(call.text(2)?) } else { None };
    call.strings(|row, out| {
        let (Some(url), Some(part)) = (urls.get(row), parts.get(row)) else { return Ok(None) };
        let Some(url) = Url::parse(url) else { return Ok(None) };
        let found = match &keys {
            None => url.part(part),
            Some(keys) => match (keys.get(row), url.query) {
                (Some(key), Some(query)) if part == "QUERY" => value_of(query, key).map(str::to_owned),
                _ => None,
            },
        };
        Ok(found.map(|found| out.push_str(&found)))
    })
}

/// The value of the first `key=value` of a query.
fn value_of<'q>(query: &'q str, key: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// A URL taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Url<'u> {
    protocol: String,
    authority: Option<&'u str>,
    user: Option<&'u str>,
    host: &'u str,
    path: &'u str,
    query: Option<&'u str>,
    fragment: Option<&'u str>,
}

impl<'u> Url<'u> {
    fn parse(text: &'u str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c <= ' ');
        let (protocol, rest) = text.split_once(':')?;
        let protocol = protocol.to_ascii_lowercase();
        if !matches!(protocol.as_str(), "http" | "https" | "ftp" | "file" | "mailto") {
            return None;
        }
        let (rest, fragment) = cut(rest, '#');
        let mut url =
            Self { protocol, authority: None, user: None, host: "", path: rest, query: None, fragment };
        if url.protocol == "mailto" {
            return Some(url);
        }
        let (rest, query) = cut(rest, '?');
        url.query = query;
        url.path = rest;
        if let Some(behind) = rest.strip_prefix("//") {
            let end = behind.find('/').unwrap_or(behind.len());
            let (authority, path) = behind.split_at(end);
            url.path = path;
            url.take_authority(authority)?;
        }
        Some(url)
    }

    /// `user@host:port`. `None` for a port that is no number.
    fn take_authority(&mut self, authority: &'u str) -> Option<()> {
        self.authority = Some(authority);
        let host = match authority.split_once('@') {
            // Two of them: Java gives up on user and host, but not on the URL.
            Some((_, rest)) if rest.contains('@') => return Some(()),
            Some((user, host)) => {
                self.user = Some(user);
                host
            }
            None => authority,
        };
        let port = if host.starts_with('[') {
            // An IPv6 address has colons of its own.
            let end = host.find(']')? + 1;
            self.host = &host[..end];
            host[end..].strip_prefix(':')
        } else {
            let (host, port) = cut(host, ':');
            self.host = host;
            port
        };
        match port {
            Some(port) if !port.is_empty() => port.parse::<u16>().ok().map(drop),
            _ => Some(()),
        }
    }

    fn part(&self, name: &str) -> Option<String> {
        Some(match name {
            "HOST" => self.host.to_owned(),
            "PATH" => self.path.to_owned(),
            "QUERY" => self.query?.to_owned(),
            "REF" => self.fragment?.to_owned(),
            "PROTOCOL" => self.protocol.clone(),
            "FILE" => match self.query {
                Some(query) => format!("{}?{query}", self.path),
                None => self.path.to_owned(),
            },
            "AUTHORITY" => self.authority?.to_owned(),
            "USERINFO" => self.user?.to_owned(),
            _ => return None,
        })
    }
}

/// The text before a character, and what is behind it if it is there.
fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn parts_of_urls() {
        // What Flink 2.3 answered, but for those behind the empty line.
        let table = [
            ("http://facebook.com/path1/p.php?k1=v1&k2=v2#Ref1", "'REF'", "Ref1"),
            ("http://u:p@h.com:80/x?q", "'AUTHORITY'", "u:p@h.com:80"),
            ("http://u:p@h.com:80/x?q", "'USERINFO'", "u:p"),
            ("http://u:p@h.com:80/x?q=1", "'FILE'", "/x?q=1"),
            ("https://h", "'PROTOCOL'", "https"),
            ("nope://h/x", "'HOST'", "NULL"),
            ("http://h/x", "'QUERY'", "NULL"),
            ("http://h/x?a=1&b=2", "'QUERY'", "a=1&b=2"),
            ("http://h/x?a=1&b=2", "'QUERY', 'c'", "NULL"),
            ("http://h", "'PATH'", ""),
            ("http://h/?a=&b", "'QUERY', 'a'", ""),
            ("http://h/x", "'host'", "NULL"),
            ("garbage", "'HOST'", "NULL"),
            ("http://h/x?a=1", "'PATH', 'a'", "NULL"),
            ("mailto:a@b", "'PATH'", "a@b"),
            ("http://h/x y?a%20=b%20c", "'QUERY', 'a%20'", "b%20c"),
            //
            ("", "'HOST'", "NULL"),
            (" HTTP://h ", "'PROTOCOL'", "http"),
            ("http://h:port/x", "'HOST'", "NULL"),
            ("http://h:/x", "'HOST'", "h"),
            ("http://[::1]:80/x", "'HOST'", "[::1]"),
            ("http://a@b@c/x", "'HOST'", ""),
            ("http://a@b@c/x", "'PATH'", "/x"),
            ("file:///files/x", "'PATH'", "/files/x"),
            ("http://h?q=/a", "'HOST'", "h"),
            ("http://h/#", "'REF'", ""),
        ];
        for (url, rest, expected) in table {
            let sql = format!("PARSE_URL('{url}', {rest})");
            check(&[(sql.as_str(), "STRING", expected)]);
        }
        check(&[
            ("PARSE_URL(CAST(NULL AS STRING), 'HOST')", "STRING", "NULL"),
            ("PARSE_URL('http://h', CAST(NULL AS STRING))", "STRING", "NULL"),
            ("PARSE_URL('http://h')", "ERROR", "PARSE_URL takes 2 to 3 arguments, not 1"),
        ]);
    }
}
