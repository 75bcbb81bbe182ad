//! What a KMS front keeps: do its records and the HSM's keys agree?

use std::path::Path;

use cloister_kms::settings::Settings;
use cloister_kms::{checkup, run};

use super::{Area, Finding};
use crate::error::{Error, Result};

/// Looks at everything in the token of the front with these settings.
pub(super) fn look(settings: &Path) -> Result<Vec<Finding>> {
    let service = run::open(Settings::load(settings).map_err(Error::input)?);
    let service = match service {
        Ok(service) => service,
        Err(error) => {
            let advice = "mend the settings, or what they name: the module, the token, its PIN";
            return Ok(vec![Finding::bad(Area::Kms, error.to_string(), advice)]);
        }
    };
    let checked = checkup::check(&service).map_err(|trouble| Error::Failed(trouble.to_string()))?;
    let mut findings = vec![Finding::good(Area::Kms, format!("{} KMS keys were looked at", checked.keys))];
    findings.extend(
        checked.discords.iter().map(|discord| Finding::bad(Area::Kms, discord.to_string(), discord.advice())),
    );
    Ok(findings)
}
