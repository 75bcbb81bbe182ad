//! `cloister compatibility`: what this version offers, written from the very tables that make it work.

use crate::absent::{ABSENT, Absent};
use crate::error::Result;
use crate::render::Answer;
use clap::Args;
use cloister::abi::table::{FUNCTIONS, Function, REMARKS};
use cloister::mechanism::registry::ROWS;
use cloister::mechanism::{Row, Unit};
use cloister::object::schema::{ATTRIBUTES, FORMS};
use cloister::session::{PROFILES, Profile};
use cryptoki_sys as ck;
use serde_json::json;
use std::fmt::Write;

/// The functions, mechanisms and kinds of objects that this version offers.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cloister compatibility > docs/compatibility.md")]
pub struct Compatibility;

/// What a mechanism can do, by flag, in the columns' order.
const USES: &[(u64, &str)] = &[
    (ck::CKF_ENCRYPT | ck::CKF_DECRYPT, "encrypt"),
    (ck::CKF_SIGN | ck::CKF_VERIFY, "sign"),
    (MESSAGES, "messages"),
    (ck::CKF_SIGN_RECOVER | ck::CKF_VERIFY_RECOVER, "recover"),
    (ck::CKF_DIGEST, "digest"),
    (ck::CKF_GENERATE, "generate"),
    (ck::CKF_GENERATE_KEY_PAIR, "generate pair"),
    (ck::CKF_WRAP | ck::CKF_UNWRAP, "wrap"),
    (ck::CKF_DERIVE, "derive"),
    (ck::CKF_ENCAPSULATE | ck::CKF_DECAPSULATE, "encapsulate"),
];

const MESSAGES: u64 =
    ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT | ck::CKF_MESSAGE_SIGN | ck::CKF_MESSAGE_VERIFY;

impl Compatibility {
    pub fn run(&self) -> Result<Answer> {
        let function = |row: &Function| json!({ "name": row.name, "since": row.since });
        let mechanism = |row: &Row| json!({ "name": row.name, "number": row.id, "flags": row.flags });
        let functions: Vec<_> = FUNCTIONS.iter().map(function).collect();
        let mechanisms: Vec<_> = ROWS.iter().map(mechanism).collect();
        Answer::text(text(), json!({ "functions": functions, "mechanisms": mechanisms }))
    }
}

/// The whole page.
fn text() -> String {
    let mut page = String::from(
        "# Compatibility\n\nWritten by `cloister compatibility` from the tables that the module itself reads; \
         a test keeps it current.\n",
    );
    functions(&mut page);
    mechanisms(&mut page);
    absences(&mut page);
    objects(&mut page);
    profiles(&mut page);
    page
}

fn functions(page: &mut String) {
    line(page, "\n## Functions\n");
    line(
        page,
        &format!(
            "All {} functions of PKCS#11 3.2 do their work, are exported, and stand in the function lists of 2.40, 3.0 \
             and 3.2.\n",
            FUNCTIONS.len()
        ),
    );
    line(page, "| function | since | remark |");
    line(page, "|---|---|---|");
    for function in FUNCTIONS {
        let remark = REMARKS.iter().find(|(name, _)| *name == function.name);
        let remark = remark.map_or("", |(_, remark)| remark);
        line(page, &format!("| `{}` | {} | {remark} |", function.name, function.since));
    }
}

fn mechanisms(page: &mut String) {
    line(page, "\n## Mechanisms\n");
    line(
        page,
        &format!(
            "{} mechanisms. Each works in one part and in several. Sizes are those of the key, as \
             `C_GetMechanismInfo` tells them. Those marked old are offered on tokens with `legacy = true` only.\n",
            ROWS.len()
        ),
    );
    line(page, "| mechanism | number | for | key sizes |");
    line(page, "|---|---|---|---|");
    for row in ROWS {
        let uses = USES.iter().filter(|(flags, _)| row.flags & flags != 0).map(|(_, name)| *name);
        let uses: Vec<&str> = uses.chain(row.legacy.then_some("old")).collect();
        line(page, &format!("| `{}` | 0x{:08x} | {} | {} |", row.name, row.id, uses.join(", "), sizes(row)));
    }
}

/// What the standard has besides.
fn absences(page: &mut String) {
    line(page, "\n### Mechanisms that are not offered\n");
    line(page, "Every other mechanism of PKCS#11 3.2, and the reason; `*` stands for any letters.\n");
    line(page, "| mechanisms | reason |");
    line(page, "|---|---|");
    for Absent { names, reason } in ABSENT {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        line(page, &format!("| {} | {reason} |", names.join(", ")));
    }
}

fn sizes(row: &Row) -> String {
    let (least, most) = row.sizes;
    match row.unit {
        Unit::None => String::new(),
        Unit::Bits => format!("{least} to {most} bits"),
        Unit::Bytes if most >= u64::from(u32::MAX) => format!("from {least} byte on"),
        Unit::Bytes => format!("{least} to {most} bytes"),
    }
}

fn objects(page: &mut String) {
    line(page, "\n## Objects\n");
    line(page, &format!("The module knows {} attributes. The objects that can be made:\n", ATTRIBUTES.len()));
    line(page, "| class | type | attributes |");
    line(page, "|---|---|---|");
    for form in FORMS {
        let kind = form.subtype.map_or("", |_| form.name);
        line(page, &format!("| `{}` | {kind} | {} |", form.class.name, form.rows().count()));
    }
}

fn profiles(page: &mut String) {
    line(page, "\n## Profiles\n");
    line(
        page,
        "Claimed profiles are objects of class `CKO_PROFILE`, mechanisms of class `CKO_MECHANISM`; both turn up only in searches \
         that ask for their class. There are no hardware features (a token has no clock and no buttons of its own) and no \
         validations.\n",
    );
    line(page, "| profile | |");
    line(page, "|---|---|");
    for profile in PROFILES {
        line(page, &format!("| `{}` | {} |", profile.name, standing(profile)));
    }
}

fn standing(profile: &Profile) -> String {
    match profile.refused {
        _ if profile.is_claimed() => "claimed".to_owned(),
        Some(reason) => format!("not claimed: {reason}"),
        None => "not claimed: a mechanism it needs is not there".to_owned(),
    }
}

fn line(page: &mut String, text: &str) {
    // invariant: writing to a String does not fail.
    let _ = writeln!(page, "{text}");
}
