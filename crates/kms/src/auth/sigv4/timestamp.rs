//! The one form of time that signatures know: `20240229T235958Z`.

use std::time::SystemTime;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The time that `text` says, if it has the form to the letter.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
        return None;
    }
    let digits = |from: usize, to: usize| -> Option<u16> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let small = |from, to| digits(from, to).and_then(|number| u8::try_from(number).ok());
    let month = Month::try_from(small(4, 6)?).ok()?;
    let date = Date::from_calendar_date(i32::from(digits(0, 4)?), month, small(6, 8)?).ok()?;
    let time = Time::from_hms(small(9, 11)?, small(11, 13)?, small(13, 15)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc().into())
}

/// `time` in that form, whole seconds.
pub(super) fn format(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in ["20240229T235958Z", "19700101T000000Z", "00010101T000000Z", "99991231T235959Z"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn no_other_form_is_read() {
        for text in [
            "",
            "20240229T235958",
            "20240229T235958z",
            "20240229 235958Z",
            "20230229T235958Z",
            "20241301T000000Z",
            "20240101T240000Z",
            "20240101T000060Z",
            "+0240101T000000Z",
            "2024010\u{e9}T000000Z",
            "2024-01-01T00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
