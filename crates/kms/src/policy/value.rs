//! Typed values of conditions: dates, networks and ARNs, as IAM writes them.

use std::net::IpAddr;
use std::str::FromStr;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::pattern::{Case, Pattern, Reading, Variables};

/// Nanoseconds since 1970 of a date: seconds since 1970, or ISO 8601 from `YYYY` to `YYYY-MM-DDThh:mm:ss.sTZD`.
pub(super) fn date(text: &str) -> Option<i128> {
    if text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|seconds| i128::from(seconds) * 1_000_000_000);
    }
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut numbers = day.split('-');
    let year = digits(numbers.next()?, 4)?;
    let month: u8 = numbers.next().map_or(Some(1), |month| digits(month, 2))?;
    let day = numbers.next().map_or(Some(1), |day| digits(day, 2))?;
    if numbers.next().is_some() {
        return None;
    }
    let month = Month::try_from(month).ok()?;
    let day = Date::from_calendar_date(year, month, day).ok()?;
    let (time, offset) = time.map_or(Some((Time::MIDNIGHT, UtcOffset::UTC)), time_of_day)?;
    Some(PrimitiveDateTime::new(day, time).assume_offset(offset).unix_timestamp_nanos())
}

/// `hh:mm[:ss[.fraction]]` and `Z` or `±hh:mm`.
fn time_of_day(text: &str) -> Option<(Time, UtcOffset)> {
    let (clock, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, UtcOffset::UTC),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (clock, zone) = text.split_at_checked(at)?;
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let (hours, minutes): (i8, i8) = (digits(hours, 2)?, digits(minutes, 2)?);
            // Two digits and a sign: no product leaves an i8.
            (clock, UtcOffset::from_hms(hours * sign, minutes * sign, 0).ok()?)
        }
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => ("00", ""),
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "")),
    };
    if parts.next().is_some() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    let time = Time::from_hms_nano(hour, minute, digits(second, 2)?, nanos).ok()?;
    Some((time, offset))
}

/// A number of exactly `length` digits.
fn digits<T: FromStr>(text: &str, length: usize) -> Option<T> {
    let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// `aws:CurrentTime`'s text.
pub(super) fn date_text(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let (year, month, day) = (utc.year(), u8::from(utc.month()), utc.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", utc.hour(), utc.minute(), utc.second())
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|value| text.eq_ignore_ascii_case(if *value { "true" } else { "false" }))
}

/// A network: an address and how many of its leading bits count.
#[derive(Debug)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// `address` or `address/bits`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Self { address, bits })
    }

    /// Whether `address` is in it; one of the other family never is.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u128::from(network.to_bits() ^ address.to_bits());
                same_start(differ, 32, self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_start(network.to_bits() ^ address.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

/// Whether the first `bits` of the `width` bits of `differ` are all zero.
fn same_start(differ: u128, width: u32, bits: u32) -> bool {
    differ.checked_shr(width.saturating_sub(bits)).unwrap_or(0) == 0
}

/// An ARN to compare with, its six parts each on its own: a wildcard never reaches over a colon.
#[derive(Debug)]
pub(super) struct ArnPattern {
    /// Empty: `*`, any ARN.
    parts: Vec<Pattern>,
}

const ARN_PARTS: usize = 6;

impl ArnPattern {
    /// `*` or six parts between colons, the last of which may hold colons itself.
    pub(super) fn parse(text: &str, variables: bool) -> Option<Self> {
        if text == "*" {
            return Some(Self { parts: Vec::new() });
        }
        let reading = Reading { wildcards: true, variables };
        let mut parts = Vec::new();
        let mut rest = text;
        while parts.len() < ARN_PARTS - 1 {
            let (part, after) = split_outside_variables(rest)?;
            parts.push(Pattern::parse(part, reading)?);
            rest = after;
        }
        parts.push(Pattern::parse(rest, reading)?);
        text.starts_with("arn:").then_some(Self { parts })
    }

    /// Whether `arn` fits.
    pub(super) fn matches(&self, arn: &str, variables: &dyn Variables) -> bool {
        let mut parts = arn.splitn(ARN_PARTS, ':');
        let fit = |pattern: &Pattern| {
            parts.next().is_some_and(|part| pattern.matches(part, Case::Matters, variables))
        };
        self.parts.iter().all(fit)
    }
}

/// Splits at the first colon that isn't within `${...}`.
fn split_outside_variables(text: &str) -> Option<(&str, &str)> {
    let mut within = false;
    for (at, next) in text.char_indices() {
        match next {
            '{' => within |= text.get(..at)?.ends_with('$'),
            '}' => within = false,
            ':' if !within => return Some((text.get(..at)?, text.get(at.checked_add(1)?..)?)),
            _ => {}
        }
    }
    None
}
