//! Signatures of botocore hold; the same with one bit changed do not.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use serde::Deserialize;

use super::*;
use crate::api::error::Fault;
use crate::auth::credentials::{Credential, Secret};

const SKEW: Duration = Duration::from_secs(300);
const ANY: Expected = Expected { services: &["kms", "kms-xks-proxy"] };

#[derive(Deserialize)]
struct Vectors {
    time: String,
    access_key: String,
    secret: String,
    vectors: Vec<Vector>,
}

#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    service: String,
    region: String,
    session_token: Option<String>,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/botocore.json")).unwrap()
}

fn named(name: &str) -> Vector {
    vectors().vectors.into_iter().find(|vector| vector.name == name).unwrap()
}

fn now() -> SystemTime {
    timestamp::parse(&vectors().time).unwrap()
}

impl Vector {
    fn parts(&self) -> Parts {
        let mut request = http::Request::builder().method(self.method.as_str()).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn credential(&self) -> Credential {
        let Vectors { access_key, secret, .. } = vectors();
        Credential {
            access_key,
            secret: Secret::new(secret),
            session_token: self.session_token.clone().map(Secret::new),
            principal_arn: "arn:aws:iam::111122223333:user/alice".into(),
            account: "111122223333".into(),
            via_service: None,
            expires: None,
        }
    }

    fn verify_by(&self, credential: Credential, now: SystemTime) -> Result<Verified, Refused> {
        let known = Arc::new(credential);
        let lookup = |key: &str| (key == known.access_key).then(|| Arc::clone(&known));
        verify(&self.parts(), self.body.as_bytes(), &ANY, now, SKEW, lookup)
    }

    fn verify_at(&self, now: SystemTime) -> Result<Verified, Refused> {
        self.verify_by(self.credential(), now)
    }

    fn verify(&self) -> Result<Verified, Refused> {
        self.verify_at(now())
    }

    fn header(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).unwrap().1
    }

    fn presigned(&self) -> bool {
        self.target.contains("X-Amz-Signature")
    }

    /// Where the signature's own text is.
    fn signature_text(&mut self) -> &mut String {
        if self.presigned() { &mut self.target } else { self.header("authorization") }
    }

    fn replace(mut self, from: &str, to: &str) -> Self {
        let text = self.signature_text();
        assert!(text.contains(from), "{text}");
        *text = text.replace(from, to);
        self
    }

    #[track_caller]
    fn refused(&self, what: &str) -> Refused {
        self.verify().err().unwrap_or_else(|| panic!("{}: {what} changed, and taken", self.name))
    }
}

/// `text` with one bit of its byte at `at` changed, into another character that may stand there.
fn flipped(text: &str, at: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric())?;
    let bit = [1, 2, 4, 8].into_iter().find(|bit| (bytes[at] ^ bit).is_ascii_alphanumeric())?;
    bytes[at] ^= bit;
    Some(String::from_utf8(bytes).unwrap())
}

#[test]
fn k42_what_botocore_signs_is_taken() {
    let vectors = vectors();
    assert_eq!(vectors.vectors.len(), 14);
    for vector in vectors.vectors {
        let verified = vector.verify().unwrap_or_else(|refused| panic!("{}: {refused}", vector.name));
        assert_eq!(verified.access_key, vectors.access_key);
        assert_eq!((&verified.region, &verified.service), (&vector.region, &vector.service));
        assert_eq!((verified.signed_at, verified.credential.account.as_str()), (now(), "111122223333"));
    }
}

#[test]
fn k42_any_bit_of_the_signature_counts() {
    for vector in vectors().vectors {
        let mut vector = vector;
        let text = vector.signature_text().clone();
        let start = text.find("Signature=").unwrap() + "Signature=".len();
        for at in start..start + 64 {
            *vector.signature_text() = flipped(&text, at).unwrap();
            let refused = vector.refused("signature");
            assert!(matches!(refused, Refused::Mismatch | Refused::Incomplete(_)), "{refused:?}");
        }
    }
}

#[test]
fn k42_any_byte_of_the_body_counts() {
    for vector in vectors().vectors {
        for at in 0..vector.body.len() {
            if let Some(body) = flipped(&vector.body, at) {
                assert_eq!(Vector { body, ..vector.clone() }.refused("body"), Refused::Mismatch);
            }
        }
        let body = format!("{} ", vector.body);
        assert_eq!(Vector { body, ..vector.clone() }.refused("body"), Refused::Mismatch);
    }
}

#[test]
fn k42_any_byte_of_a_signed_header_counts() {
    for vector in vectors().vectors {
        for index in 0..vector.headers.len() {
            let (name, value) = vector.headers[index].clone();
            if ["authorization", "user-agent", "x-amzn-trace-id"].contains(&name.to_lowercase().as_str()) {
                continue;
            }
            let mut changed = vector.clone();
            for at in 0..value.len() {
                if let Some(text) = flipped(&value, at) {
                    changed.headers[index].1 = text;
                    changed.refused(&name);
                }
            }
            changed.headers.remove(index);
            changed.refused(&name);
        }
    }
}

#[test]
fn k42_any_byte_of_path_query_and_method_counts() {
    for vector in vectors().vectors {
        for at in 0..vector.target.len() {
            if let Some(target) = flipped(&vector.target, at) {
                Vector { target, ..vector.clone() }.refused("target");
            }
        }
        let target = vector.target.replacen('/', "/x", 1);
        assert_eq!(Vector { target, ..vector.clone() }.refused("path"), Refused::Mismatch);
        let added = if vector.target.contains('?') { "&x=y" } else { "?x=y" };
        let target = format!("{}{added}", vector.target);
        assert_eq!(Vector { target, ..vector.clone() }.refused("query"), Refused::Mismatch);
        assert_eq!(Vector { method: "PUT".into(), ..vector.clone() }.refused("method"), Refused::Mismatch);
    }
}

#[test]
fn k42_the_scope_counts() {
    let vector = named("header");
    assert_eq!(vector.clone().replace("/eu-west-1/", "/eu-west-2/").refused("Region"), Refused::Mismatch);
    assert_eq!(
        vector.clone().replace("/kms/", "/s3/").refused("service"),
        Refused::WrongService("kms"),
        "a signature for another service"
    );
    assert_eq!(vector.clone().replace("AKIDEXAMPLE", "AKIDEXAMPLF").refused("key"), Refused::UnknownKey);
    assert_eq!(
        vector.clone().replace("/20240229/", "/20240228/").refused("day"),
        Refused::WrongDay("20240228".into(), "20240229T235958Z".into())
    );
}

#[test]
fn k42_a_signature_in_the_header_holds_within_the_skew_and_not_a_second_more() {
    let (vector, second) = (named("header"), Duration::from_secs(1));
    for moment in [now() - SKEW, now(), now() + SKEW] {
        assert!(vector.verify_at(moment).is_ok());
    }
    let early = vector.verify_at(now() - SKEW - second).unwrap_err();
    assert_eq!(early, Refused::NotYet(Bound { stamped: now(), limit: now() - second }));
    let late = vector.verify_at(now() + SKEW + second).unwrap_err();
    assert_eq!(late, Refused::Expired(Bound { stamped: now(), limit: now() + second }));
    assert_eq!(late.to_string(), "Signature expired: 20240229T235958Z is now earlier than 20240229T235959Z");
}

#[test]
fn k42_a_presigned_request_holds_as_long_as_it_says() {
    let (vector, hour) = (named("presigned GET"), Duration::from_secs(3600));
    assert!(vector.verify_at(now() - SKEW).is_ok());
    assert!(vector.verify_at(now() + hour).is_ok());
    let late = vector.verify_at(now() + hour + Duration::from_secs(1)).unwrap_err();
    assert!(matches!(late, Refused::Expired(_)));
    let early = vector.verify_at(now() - SKEW - Duration::from_secs(1)).unwrap_err();
    assert!(matches!(early, Refused::NotYet(_)));
}

#[test]
fn k42_a_presigned_request_holds_for_a_week_at_most_and_a_second_at_least() {
    for life in ["0", "604801", "-1", "+5", "1e3", "", "99999999999999999999999"] {
        let changed = named("presigned GET").replace("X-Amz-Expires=3600", &format!("X-Amz-Expires={life}"));
        assert!(matches!(changed.refused("lifetime"), Refused::Incomplete(_)), "{life}");
    }
    let longer = named("presigned GET").replace("X-Amz-Expires=3600", "X-Amz-Expires=3601");
    assert_eq!(longer.refused("lifetime"), Refused::Mismatch);
}

#[test]
fn k42_a_temporary_credential_comes_with_its_token_and_others_with_none() {
    for name in ["header, session token", "presigned, session token"] {
        let vector = named(name);
        let mut other = vector.credential();
        other.session_token = Some(Secret::new("another".into()));
        assert_eq!(vector.verify_by(other.clone(), now()).unwrap_err(), Refused::WrongToken);
        other.session_token = None;
        assert_eq!(vector.verify_by(other, now()).unwrap_err(), Refused::WrongToken);
    }
    let mut temporary = named("header").credential();
    temporary.session_token = Some(Secret::new("token".into()));
    assert_eq!(named("header").verify_by(temporary, now()).unwrap_err(), Refused::WrongToken);
}

#[test]
fn k42_a_credential_that_has_ended_signs_nothing() {
    let mut ended = named("header").credential();
    ended.expires = Some(1000);
    assert_eq!(named("header").verify_by(ended, now()).unwrap_err(), Refused::ExpiredCredential);
}

#[test]
fn k42_a_body_can_not_go_unsigned() {
    for said in ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let mut vector = named("header, body hash sent");
        *vector.header("x-amz-content-sha256") = said.into();
        assert!(matches!(vector.refused("body hash"), Refused::Incomplete(_)));
    }
}

#[test]
fn k42_the_body_hash_is_checked_even_where_the_signature_covers_another() {
    let vector = named("header");
    let mut request = http::Request::post("/").header("host", "kms").body(b"{}".to_vec()).unwrap();
    request.headers_mut().insert("x-amz-content-sha256", "0".repeat(64).parse().unwrap());
    sign(&mut request, &vector.credential(), "eu-west-1", "kms", now()).unwrap();
    let (parts, body) = request.into_parts();
    let known = Arc::new(vector.credential());
    let refused = verify(&parts, &body, &ANY, now(), SKEW, |_| Some(Arc::clone(&known))).unwrap_err();
    assert_eq!(refused, Refused::Mismatch);
}

#[test]
fn k42_what_decides_the_request_must_be_signed() {
    for (name, value) in [("x-amz-target", "TrentService.ScheduleKeyDeletion"), ("x-amz-security-token", "t")]
    {
        let mut vector = named("presigned GET");
        vector.headers.push((name.into(), value.into()));
        assert!(matches!(vector.refused(name), Refused::Incomplete(_)));
    }
    for (name, value) in [("x-amz-user-agent", "sdk"), ("x-amzn-trace-id", "Root=1"), ("user-agent", "x")] {
        let mut vector = named("header");
        vector.headers.push((name.into(), value.into()));
        assert!(vector.verify().is_ok(), "{name} may be added on the way");
    }
}

#[test]
fn k42_headers_that_decide_come_once() {
    for name in ["authorization", "host", "x-amz-date", "x-amz-target"] {
        let mut vector = named("header");
        let value = vector.header(name).clone();
        vector.headers.push((name.into(), value));
        assert!(matches!(vector.refused(name), Refused::Incomplete(_)), "{name}");
    }
}

#[test]
fn k42_a_signature_that_is_not_whole_is_refused_as_such() {
    let vector = named("header");
    let text = vector.clone().header("authorization").clone();
    for broken in [
        "",
        "AWS4-HMAC-SHA256",
        "Bearer abc",
        "AWS4-ECDSA-P256-SHA256 Credential=a/20240229/r/kms/aws4_request",
        &text.replace("Credential=", "Kredential="),
        &text.replace("SignedHeaders=", "Headers="),
        &text.replace("Signature=", "Sig="),
        &text.replace("Signature=", "Signature=00"),
        &text.replace("aws4_request", "aws5_request"),
        &text.replace("/kms/", "/"),
        &text.replace("host;", ""),
        &text.replace("content-type;host", "host;content-type"),
        &text.replace("host;", "host;host;"),
        &text.replace("host;", "Host;"),
        &format!("{text}, Signature={}", "0".repeat(64)),
        &text.replace("AKIDEXAMPLE", &"A".repeat(200)),
        &text.replace("AKIDEXAMPLE", "<script>"),
    ] {
        let mut vector = vector.clone();
        *vector.header("authorization") = broken.to_owned();
        assert!(matches!(vector.refused(broken), Refused::Incomplete(_)), "{broken}");
    }
}

#[test]
fn k42_a_presigned_request_needs_all_of_its_parameters_once() {
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let full = format!("X-Amz-{name}=");
        let without = named("presigned GET").replace(&full, "Other=");
        assert!(matches!(without.refused(name), Refused::Incomplete(_)), "{name}");
        let twice = named("presigned GET").replace(&full, &format!("{full}1&{full}"));
        assert!(matches!(twice.refused(name), Refused::Incomplete(_)), "{name}");
    }
    let mut both = named("presigned GET");
    both.headers.push(("authorization".into(), named("header").header("authorization").clone()));
    assert!(matches!(both.refused("both ways"), Refused::Incomplete(_)));
}

#[test]
fn k42_a_query_with_two_readings_is_refused() {
    for query in ["?a=b+c", "?a=%ff", "?%fe=a"] {
        let mut vector = named("header");
        vector.target = format!("/{query}");
        assert!(matches!(vector.refused(query), Refused::Incomplete(_)), "{query}");
    }
    let mut long = named("header");
    long.target = format!("/?{}", "a".repeat(10_000));
    assert!(matches!(long.refused("length"), Refused::Incomplete(_)));
}

#[test]
fn k42_no_target_however_odd_brings_verification_down() {
    let long_path = format!("/{}", "a".repeat(60_000));
    let long_both = format!("/{}?{}", "a".repeat(8_000), "*".repeat(8_000));
    for target in ["*", "/%", "/%zz", "/?%", "/?%zz=%", "http://host/x?y", "host:443", "/\u{e9}?\u{e9}"]
        .into_iter()
        .chain([long_path.as_str(), long_both.as_str(), &format!("{long_path}?{}", "*".repeat(5_000))])
    {
        let mut vector = named("header");
        vector.target = target.to_owned();
        let refused = vector.refused(target);
        assert!(matches!(refused, Refused::Incomplete(_) | Refused::Mismatch), "{refused:?}");
    }
}

#[test]
fn k42_paths_that_are_one_to_the_signature_are_one_here_too() {
    for target in ["//", "/.", "/x/.."] {
        assert!(Vector { target: target.into(), ..named("header") }.verify().is_ok(), "{target}");
    }
}

#[test]
fn k42_refusals_become_the_errors_of_aws() {
    let bound = Bound { stamped: now(), limit: now() };
    for (refused, name, begins) in [
        (Refused::Missing, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (Refused::Incomplete("x".into()), "IncompleteSignatureException", "x"),
        (
            Refused::UnknownKey,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            Refused::WrongToken,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            Refused::ExpiredCredential,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        (
            Refused::WrongService("kms"),
            "InvalidSignatureException",
            "Credential should be scoped to correct service",
        ),
        (Refused::WrongDay("a".into(), "b".into()), "InvalidSignatureException", "Date in Credential scope"),
        (Refused::Expired(bound), "InvalidSignatureException", "Signature expired: 20240229T235958Z"),
        (Refused::NotYet(bound), "InvalidSignatureException", "Signature not yet current: 20240229T235958Z"),
        (
            Refused::Mismatch,
            "InvalidSignatureException",
            "The request signature we calculated does not match",
        ),
    ] {
        let fault = Fault::from(refused);
        assert_eq!(fault.code.name(), name);
        assert!(fault.message.starts_with(begins), "{fault}");
    }
}

#[test]
fn k81_what_is_signed_for_a_proxy_is_what_botocore_signs_and_is_taken_by_one() {
    let mut vector = named("xks encrypt");
    let theirs = vector.header("authorization").clone();
    let url = format!("https://xks.example.com{}", vector.target);
    let mut request = http::Request::post(url).body(vector.body.clone().into_bytes()).unwrap();
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request.headers_mut().insert("user-agent", "not signed".parse().unwrap());
    sign(&mut request, &vector.credential(), &vector.region, &vector.service, now()).unwrap();
    assert_eq!(request.headers()["authorization"], theirs.as_str());
    assert_eq!(request.headers()["x-amz-date"], "20240229T235958Z");
    vector.headers.retain(|(name, _)| name.eq_ignore_ascii_case("host"));
    for (name, value) in request.headers() {
        vector.headers.push((name.to_string(), value.to_str().unwrap().to_owned()));
    }
    assert!(vector.verify().is_ok());
}

#[test]
fn a_request_without_a_host_can_not_be_signed() {
    let mut request = http::Request::post("/kms/xks/v1/health").body(Vec::new()).unwrap();
    assert!(sign(&mut request, &named("header").credential(), "eu-west-1", "kms-xks-proxy", now()).is_err());
}
