//! What a request says of its signature, in the `Authorization` header or in the query, before any of it is believed.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::{Refused, timestamp};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const DATE: &str = "x-amz-date";
pub(super) const TOKEN: &str = "x-amz-security-token";
pub(super) const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// The longest `Authorization` header, path and query that are looked at, in bytes. Percent-encoding makes a query
/// three times as long, and path and query together must then still fit the 64 KiB of a URI.
const LONGEST: usize = 8192;
/// The most headers that one signature may cover.
const MOST_HEADERS: usize = 64;
/// The longest access key, Region and service, in bytes.
const LONGEST_NAME: usize = 128;
/// The longest that a presigned request may hold: seven days.
const LONGEST_LIFE: u64 = 604_800;

/// Headers that decide whom or what a request is for. Two of one would leave open which of them counts.
const SOLE: [&str; 6] = ["authorization", "host", DATE, TOKEN, CONTENT_SHA256, "x-amz-target"];

/// What a request says of its signature. All of it is well formed and none of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The access key that is said to have signed.
    pub access_key: String,
    /// The Region of the scope.
    pub region: String,
    /// The service of the scope.
    pub service: String,
    /// When it was signed.
    pub signed_at: SystemTime,
    /// How long it holds, for a presigned request.
    pub lifetime: Option<Duration>,
    /// Which headers are signed: lower case, ascending, none twice, `host` among them.
    pub(super) signed_headers: Vec<String>,
    /// The signature: 64 lower-case hexadecimal digits.
    pub(super) signature: String,
    /// The session token that came along; its place depends on the way of signing.
    pub(super) session_token: Option<String>,
    /// The query as it was sent, without the signature in it.
    pub(super) query: String,
}

impl Claim {
    /// Reads what `parts` say.
    pub fn read(parts: &Parts) -> Result<Self, Refused> {
        if let Some(twice) = SOLE.iter().find(|name| parts.headers.get_all(**name).iter().count() > 1) {
            return Err(incomplete(format!("Request has more than one '{twice}' header.")));
        }
        if parts.uri.path().len() > LONGEST {
            return Err(incomplete("The path is too long."));
        }
        let raw_query = parts.uri.query().unwrap_or_default();
        let query = Query::read(raw_query)?;
        let presigned = query.get("X-Amz-Algorithm").is_some() || query.get("X-Amz-Signature").is_some();
        match (parts.headers.contains_key(AUTHORIZATION), presigned) {
            (true, true) => Err(incomplete("Request has a signature both in its header and in its query.")),
            (true, false) => Self::from_header(&parts.headers, raw_query),
            (false, true) => Self::from_query(&query),
            (false, false) => Err(Refused::Missing),
        }
    }

    fn from_header(headers: &HeaderMap, query: &str) -> Result<Self, Refused> {
        let authorization = text(headers, AUTHORIZATION.as_str())?.unwrap_or_default();
        let fields = Fields::read(authorization)?;
        let date = text(headers, DATE)?.ok_or_else(|| {
            incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
        })?;
        Self::new(
            fields.required("Credential")?,
            date,
            fields.required("SignedHeaders")?,
            fields.required("Signature")?,
            Self {
                session_token: text(headers, TOKEN)?.map(str::to_owned),
                query: query.to_owned(),
                ..Self::blank()
            },
        )
    }

    fn from_query(query: &Query) -> Result<Self, Refused> {
        let required = |name: &str| {
            query
                .get(name)
                .ok_or_else(|| incomplete(format!("AWS query-string parameters must include '{name}'.")))
        };
        if required("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete(format!("X-Amz-Algorithm must be '{ALGORITHM}'.")));
        }
        let lifetime = digits(required("X-Amz-Expires")?)
            .filter(|seconds| (1..=LONGEST_LIFE).contains(seconds))
            .ok_or_else(|| {
                incomplete(format!("X-Amz-Expires must be between 1 and {LONGEST_LIFE} seconds."))
            })?;
        Self::new(
            required("X-Amz-Credential")?,
            required("X-Amz-Date")?,
            required("X-Amz-SignedHeaders")?,
            required("X-Amz-Signature")?,
            Self {
                lifetime: Some(Duration::from_secs(lifetime)),
                session_token: query.get("X-Amz-Security-Token").map(str::to_owned),
                query: query.without("X-Amz-Signature"),
                ..Self::blank()
            },
        )
    }

    /// `rest` with the four things that both ways of signing have.
    fn new(scope: &str, date: &str, names: &str, signature: &str, rest: Self) -> Result<Self, Refused> {
        let signed_at = timestamp::parse(date)
            .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format': YYYYMMDD'T'HHMMSS'Z'."))?;
        let mut fields = scope.split('/');
        let mut field = || fields.next().filter(|field| is_name(field));
        let (Some(access_key), Some(day), Some(region), Some(service), Some("aws4_request"), None) =
            (field(), field(), field(), field(), field(), fields.next())
        else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements: \
                 access-key/YYYYMMDD/region/service/aws4_request.",
            ));
        };
        // invariant: a date that parses is ASCII and sixteen long.
        if day != &date[..8] {
            return Err(Refused::WrongDay(day.to_owned(), date.to_owned()));
        }
        if signature.len() != 64 || !signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(incomplete("Signature must be 64 lower-case hexadecimal digits."));
        }
        Ok(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_at,
            signed_headers: header_names(names)?,
            signature: signature.to_owned(),
            ..rest
        })
    }

    fn blank() -> Self {
        Self {
            access_key: String::new(),
            region: String::new(),
            service: String::new(),
            signed_at: SystemTime::UNIX_EPOCH,
            lifetime: None,
            signed_headers: Vec::new(),
            signature: String::new(),
            session_token: None,
            query: String::new(),
        }
    }

    /// Whether `name` (lower case) is among the signed headers.
    pub(super) fn signs(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }
}

fn incomplete(what: impl Into<String>) -> Refused {
    Refused::Incomplete(what.into())
}

/// The header `name` as text, if it is there. `Claim::read` has seen to it that there is only one.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if text.len() <= LONGEST => Ok(Some(text)),
        _ => Err(incomplete(format!("Header '{name}' is too long or not ASCII."))),
    }
}

/// What may stand in a scope: printable, nothing that quotes or separates.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(plain)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The names of `SignedHeaders`. Ascending, as the canonical request has them, so that none can stand twice.
fn header_names(text: &str) -> Result<Vec<String>, Refused> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    let lower = |name: &String| {
        HeaderName::from_bytes(name.as_bytes()).is_ok() && !name.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    if names.len() > MOST_HEADERS || !names.iter().all(lower) || !names.is_sorted_by(|one, next| one < next) {
        return Err(incomplete(
            "SignedHeaders must be lower-case header names in ascending order, each once.",
        ));
    }
    if !names.iter().any(|name| name == "host") {
        return Err(incomplete("'Host' must be a signed header."));
    }
    Ok(names)
}

/// `Credential=..., SignedHeaders=..., Signature=...` of the `Authorization` header.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn read(authorization: &'a str) -> Result<Self, Refused> {
        let Some(("AWS4-HMAC-SHA256", fields)) = authorization.split_once(' ') else {
            return Err(incomplete(format!("Authorization header requires the algorithm '{ALGORITHM}'.")));
        };
        let pairs: Option<Vec<_>> = fields.split(',').map(|field| field.trim().split_once('=')).collect();
        pairs.map(Self).ok_or_else(|| incomplete("Authorization header requires 'name=value' parameters."))
    }

    fn required(&self, name: &str) -> Result<&'a str, Refused> {
        let mut found = self.0.iter().filter(|(key, _)| *key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            _ => Err(incomplete(format!("Authorization header requires one '{name}' parameter."))),
        }
    }
}

/// A query string: its pairs as they were sent, and decoded.
struct Query<'a>(Vec<(&'a str, Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Only what has one reading: `+` is a space to some, and bytes that aren't UTF-8 become one and the same
    /// replacement character when the query is put into canonical form.
    fn read(raw: &'a str) -> Result<Self, Refused> {
        let refuse = || {
            incomplete(
                "Query string must be percent-encoded UTF-8 without '+', of each signing parameter one.",
            )
        };
        if raw.len() > LONGEST || raw.contains('+') {
            return Err(refuse());
        }
        let mut pairs: Vec<(&str, Cow<str>, Cow<str>)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &'a str| percent_decode_str(text).decode_utf8().map_err(|_| refuse());
            let (key, value) = (decode(key)?, decode(value)?);
            if key.starts_with("X-Amz-") && pairs.iter().any(|(_, earlier, _)| *earlier == key) {
                return Err(refuse());
            }
            pairs.push((pair, key, value));
        }
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(_, key, _)| key == name).map(|(_, _, value)| value.as_ref())
    }

    /// The query as it was sent, but for `name`.
    fn without(&self, name: &str) -> String {
        self.0.iter().filter(|(_, key, _)| key != name).map(|(pair, ..)| *pair).collect::<Vec<_>>().join("&")
    }
}
