//! How refusals read: AWS's access denied messages, which clients and people match on.

use crate::api::error::{Code, Result};

use super::evaluate::{Decision, Request, Side, decide};

/// Lets a request pass, or refuses it with `AccessDeniedException`.
pub fn authorize(request: &Request<'_>) -> Result<()> {
    match refusal(request, decide(request)) {
        None => Ok(()),
        Some(message) => Err(Code::AccessDeniedException.because(message)),
    }
}

/// What is said of a decision; nothing of one that allows.
fn refusal(request: &Request<'_>, decision: Decision) -> Option<String> {
    let (caller, action, resource) = (&request.caller.arn, request.action, request.resource);
    let reason = match decision {
        Decision::Allow => return None,
        Decision::ImplicitDeny(side) => {
            format!("because no {} policy allows the {action} action", named(side))
        }
        Decision::ExplicitDeny(Side::Identity) => "with an explicit deny in an identity-based policy".into(),
        Decision::ExplicitDeny(Side::Resource) => "with an explicit deny in a resource-based policy".into(),
    };
    Some(format!("User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}"))
}

fn named(side: Side) -> &'static str {
    match side {
        Side::Identity => "identity-based",
        Side::Resource => "resource-based",
    }
}
