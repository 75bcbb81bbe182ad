//! Is every token's store whole?

use super::{Area, Doctor, Finding, as_finding};
use crate::error::{Error, Result, Trying};
use crate::render::printable;
use crate::slots::{self, Described};
use cloister::config::Config;
use cloister::error::Error as Hsm;
use cloister::pin::{Credentials, Role};
use cloister::session::Library;
use cloister::store::{Authentication, Report, Store, TokenKey};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::Duration;

/// Looks at the store of each slot that is meant; with the user's PIN, if that is given, at every object in the one
/// that it is for.
pub fn look(config: &Config, doctor: &Doctor) -> Result<Vec<Finding>> {
    let library = Library::new(config.clone()).trying(|| "open the slots".to_owned())?;
    let mut slots = slots::all(&library)?;
    slots.retain(|slot| doctor.slot.means(slot));
    if slots.is_empty() {
        return Err(Error::input("no such slot: `cloister slot list` shows those there are"));
    }
    let mut findings = Vec::new();
    let login = Login::new(&library, doctor).unwrap_or_else(|error| {
        findings.push(as_finding(Area::Store, &error, "see to that: no object was opened"));
        None
    });
    for slot in &slots {
        let login = login.as_ref().filter(|login| login.slot == slot.slot.id());
        findings.push(store(config, slot, login.map(|login| &login.credentials)));
    }
    Ok(findings)
}

/// Whose PIN is to open which slot's objects.
struct Login {
    slot: u64,
    credentials: Credentials,
}

impl Login {
    fn new(library: &Library, doctor: &Doctor) -> Result<Option<Login>> {
        if !doctor.with_pin && !doctor.user.is_given() {
            return Ok(None);
        }
        let slot = doctor.slot.open(library)?.id();
        Ok(Some(Login { slot, credentials: doctor.user.credentials()? }))
    }
}

fn store(
    config: &Config,
    Described { slot, token }: &Described,
    credentials: Option<&Credentials>,
) -> Finding {
    let named = match token {
        Ok(token) if !token.initialized => {
            return Finding::good(Area::Store, format!("slot {} is free", slot.id()));
        }
        Ok(token) => format!("slot {} (\"{}\")", slot.id(), printable(&token.label)),
        Err(_) => format!("slot {}", slot.id()),
    };
    let Some(folder) = config.folder_of(slot.id()) else {
        return Finding::good(Area::Store, format!("{named} is kept by its nodes"));
    };
    let shown = folder.display();
    match check(&folder, &named, credentials) {
        Ok(report) if report.problems.is_empty() => {
            let depth = if credentials.is_some() { "opened" } else { "present" };
            let Report { objects, users, .. } = report;
            Finding::good(
                Area::Store,
                format!("{named} is whole: {objects} objects {depth}, {users} users, in {shown}"),
            )
        }
        Ok(report) => Finding::bad(
            Area::Store,
            format!("{named} is damaged, in {shown}: {}", report.problems.join("; ")),
            "stop the programs that use it, copy the folder aside, and go back to the last good backup",
        ),
        Err(error) => as_finding(Area::Store, &error, "see to that, and run `cloister doctor` again"),
    }
}

fn check(folder: &Path, named: &str, credentials: Option<&Credentials>) -> Result<Report> {
    // The store's own text names the file and what to do with it.
    let failed = |error: cloister::store::Error| Error::input(format!("{named}: {error}"));
    let store = Store::open(folder).map_err(failed)?;
    let store = store.ok_or_else(|| Error::input(format!("{named}: no token in {}", folder.display())))?;
    let key = match credentials {
        Some(credentials) => Some(token_key(&store, credentials).trying(|| format!("open {named}"))?),
        None => None,
    };
    let progress = spinner(named);
    let report = store.check(key.as_ref()).map_err(failed);
    progress.finish_and_clear();
    report
}

fn token_key(store: &Store, credentials: &Credentials) -> cloister::error::Result<TokenKey> {
    match store.authenticate(Role::User, credentials)? {
        Authentication::Right(_, key) => Ok(key),
        Authentication::Wrong => Err(Hsm::PinIncorrect),
        Authentication::Locked => Err(Hsm::PinLocked),
    }
}

/// Shows on a terminal that work goes on.
fn spinner(named: &str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        progress.set_style(style);
    }
    progress.set_message(format!("checking {named}"));
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}
