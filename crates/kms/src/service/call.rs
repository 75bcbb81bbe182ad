//! One request on its way: who asks, for what, and what the audit trail will say.

use std::time::Duration;

use parking_lot::Mutex;

use super::Service;
use crate::api::error::{Code, Result};
use crate::auth::caller::Caller;
use crate::clock::{Moment, uptime};
use crate::keys::arn::KeyArn;

/// One request.
pub struct Call<'a> {
    /// The service it came to.
    pub service: &'a Service,
    /// Who asks.
    pub caller: &'a Caller,
    /// The operation's name.
    pub operation: &'static str,
    /// The id that the answer, the audit trail and an XKS proxy carry.
    pub request_id: &'a str,
    /// What time it is for keys; one moment for the whole request.
    pub now: Moment,
    /// When it came, by this machine's uptime: how long it takes is judged by that.
    pub begun: Duration,
    /// The keys that were touched, for the audit trail.
    touched: Mutex<Vec<KeyArn>>,
}

impl<'a> Call<'a> {
    /// A request of `caller`.
    pub fn new(
        service: &'a Service,
        caller: &'a Caller,
        operation: &'static str,
        request_id: &'a str,
    ) -> Self {
        let (now, begun) = (service.clock.now(), uptime());
        Self { service, caller, operation, request_id, now, begun, touched: Mutex::default() }
    }

    /// The part of this request that `caller`, the same in another Region, asks there: policies judge it by that Region (`aws:RequestedRegion`).
    pub fn of<'b>(&self, caller: &'b Caller) -> Call<'b>
    where
        'a: 'b,
    {
        Call { now: self.now, ..Call::new(self.service, caller, self.operation, self.request_id) }
    }

    /// Notes a key for the audit trail.
    pub fn touch(&self, key: KeyArn) {
        let mut touched = self.touched.lock();
        if !touched.contains(&key) {
            touched.push(key);
        }
    }

    /// The keys that were touched.
    pub fn touched(&self) -> Vec<KeyArn> {
        self.touched.lock().clone()
    }

    /// Counts this request against a quota, where there are quotas.
    ///
    /// # Errors
    ///
    /// `ThrottlingException`.
    pub fn count_against(&self, quota: &str, whose: &str) -> Result<()> {
        self.service.quotas.as_ref().map_or(Ok(()), |quotas| quotas.admit(quota, whose))
    }

    /// Ends a dry run: all checks are passed, nothing is done.
    pub fn dry_run(&self, asked: Option<bool>) -> Result<()> {
        match asked {
            Some(true) => Err(Code::DryRunOperationException
                .because("The request would have succeeded, but the DryRun option is set.")),
            _ => Ok(()),
        }
    }
}
