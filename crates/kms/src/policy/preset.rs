//! The policy of keys made without one, and the check that keeps a key from losing its last administrator.

use crate::api::error::{Code, Result};

use super::document::Document;
use super::evaluate::{Guarded, Request, admits};

/// The key policy of a key that was made without one: its account decides by identity policies (KMS guide, "Default key policy").
pub fn default_policy(account: &str) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The key policy of a key that is managed by an AWS service: whoever in the account comes through the service may use it, the account may look
/// at it, nobody may change it (KMS guide, "AWS managed keys").
pub fn service_policy(account: &str, via_service: &str) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-service-1",
  "Statement" : [ {{
    "Sid" : "Use through {via_service}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{via_service}"
      }}
    }}
  }}, {{
    "Sid" : "Metadata for the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// Refuses a key policy under which the caller of `request` could not put the next one, with `MalformedPolicyDocumentException`.
///
/// `request` is the one that brings the policy (CreateKey, PutKeyPolicy, ReplicateKey), with the key's ARN as its resource. That the policy
/// leaves it to the identity policies of the caller's account is enough, whatever these say.
pub fn lockout_check(document: &Document, request: &Request<'_>) -> Result<()> {
    let account = request.key.map_or(request.caller.account.as_str(), |key| key.account);
    let key = Guarded { account, policy: document };
    let again = Request { action: "kms:PutKeyPolicy", key: Some(key), ..*request };
    if admits(document, &again) {
        return Ok(());
    }
    let message = "The new key policy will not allow you to update the key policy in the future.";
    Err(Code::MalformedPolicyDocumentException.because(message))
}
