//! Today, for `CKA_START_DATE` and `CKA_END_DATE`.

use time::OffsetDateTime;

/// Today's date in UTC, as `CK_DATE` writes it: `YYYYMMDD`.
pub(super) fn today() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{:04}{:02}{:02}", now.year(), u8::from(now.month()), now.day())
}
