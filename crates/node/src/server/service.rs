//! What a request comes to: done by this node's token, or by the leader's.

use super::asked::Asked;
use super::pace::Pace;
use super::recent::{Recent, Sent};
use super::tickets::Tickets;
use super::turn;
use crate::clock;
use crate::member::{Member, Way};
use crate::settings::Reads;
use cloister::attribute::Bytes;
use cloister::error::{Error, Result};
use cloister::proto::message::{Answer, Changed, Reply, Request};
use cloister::proto::needs::Needs;
use cloister::store::errand::{self, Errand};
use cloister::store::{Outcome, Remembered, Store};
use cloister::token::Ticket;
use cloister::token::local::LocalToken;
use cloister::token::local::export::{ClusterKey, Opened};
use openssl::sha::sha256;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Calls taken on at once, most of which wait for other nodes. Fewer than the clients' runtime has threads that may block.
const MOST_CALLS: usize = 256;

/// Leaders to which a call is forwarded, one after the other.
const LEADERS: usize = 2;

/// A node's token, for clients.
pub struct Service {
    token: LocalToken,
    store: Arc<Store>,
    member: Arc<Member>,
    lifetimes: Lifetimes,
    recent: Recent,
    tickets: Tickets,
    pace: Pace,
    calls: Semaphore,
    /// Calls at work at once.
    turns: Arc<Semaphore>,
    /// The clients' runtime: where calls block, also those that other nodes have forwarded.
    runtime: Handle,
}

/// How long tickets are good.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// Of a login.
    pub login: Duration,
    /// Of a confirmation for one operation.
    pub confirmation: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes { login: Duration::from_secs(30 * 24 * 3600), confirmation: Duration::from_secs(120) }
    }
}

impl Service {
    /// Serves `token`, which is kept in `store`, as `member` of a cluster, with so many calls at work at once. In a runtime, for what waits for
    /// other nodes.
    pub fn new(
        token: LocalToken,
        store: Arc<Store>,
        member: Arc<Member>,
        lifetimes: Lifetimes,
        workers: usize,
    ) -> Self {
        Service {
            token,
            store,
            member,
            lifetimes,
            recent: Recent::default(),
            tickets: Tickets::default(),
            pace: Pace::default(),
            calls: Semaphore::new(MOST_CALLS),
            turns: Arc::new(Semaphore::new(workers.max(1))),
            runtime: Handle::current(),
        }
    }

    /// The answer to a client's message, from here or from the leader; `None` if it is no request, or the call ended in a panic. `forwarded`: it
    /// was sent here because this node leads.
    pub async fn answer(self: &Arc<Self>, message: Zeroizing<Vec<u8>>, forwarded: bool) -> Option<Sent> {
        let request = Request::decode(&message)?;
        let (began, mut tries) = (Instant::now(), 0);
        let failed = loop {
            tries += 1;
            match self.member.way(&request, forwarded).await {
                Ok(Way::Here) => return self.do_here(request, &message).await,
                Ok(Way::Forward(leader)) => match self.member.forward(leader, &message).await {
                    Ok(answer) => return Some(Arc::new(Zeroizing::new(answer))),
                    Err(error) if tries == LEADERS => break error,
                    // It leads no more; the request has an id, so whoever does may be asked the same.
                    Err(_) => {}
                },
                Err(error) => break error,
            }
        };
        let result: Result<Reply> = Err(failed);
        self.member.counters.answered(&request.call, &result, began.elapsed());
        let seen = self.member.machine.index();
        Some(Arc::new(Answer { seen, changed: Changed::Any, result }.encode()))
    }

    /// Does a call: at once, or on a thread that may block, when it is its turn.
    async fn do_here(self: &Arc<Self>, request: Request, message: &[u8]) -> Option<Sent> {
        let errand = request.id.map(|id| Errand { id, digest: sha256(message) });
        if errand.is_none() && self.pace.is_quick(&request.call) && self.needs_no_store(&request) {
            return Some(self.do_once(&request, None));
        }
        let _call = self.calls.acquire().await.ok()?;
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        let service = self.clone();
        // Not where the asking task runs: that of a forwarded call is consensus's, which needs its threads to apply what writers wait for.
        let done =
            self.runtime.spawn_blocking(move || turn::with(turn, || service.do_once(&request, errand)));
        match done.await {
            Ok(answer) => Some(answer),
            Err(_) => {
                tracing::error!("a call ended in a panic; its connection is closed");
                None
            }
        }
    }

    /// Whether the ticket is known not to be a confirmation, which is used up in the store.
    fn needs_no_store(&self, request: &Request) -> bool {
        let known = |sealed: &Bytes| self.tickets.get(&sha256(sealed), clock::now()).is_some();
        request.ticket.as_ref().is_none_or(known)
    }

    /// Does a call, unless the same request has been done before.
    fn do_once(&self, request: &Request, errand: Option<Errand>) -> Sent {
        let run = || {
            // What is read is as it was at least at the index told; what is changed is seen from the index told on.
            let began = Instant::now();
            let before = self.member.machine.index();
            let result = self.result(request, errand);
            let took = began.elapsed();
            self.pace.done(&request.call, took);
            self.member.counters.answered(&request.call, &result, took);
            let changes = request.call.needs() == Needs::Leader;
            let seen = if changes { self.member.machine.index() } else { before };
            let changed = match request.seen > seen {
                // Of a history that was lost: nothing is known of what the client knows.
                true => Changed::Any,
                false => self.member.machine.changes().between(request.seen, seen),
            };
            // What fails for no reason of the caller's is this node's trouble: another may do better.
            let result = result.map_err(|error| match error {
                Error::GeneralError => Error::DeviceError,
                other => other,
            });
            // One that could not be done here is to be tried again.
            let is_final = !matches!(result, Err(Error::DeviceRemoved | Error::DeviceError));
            (Answer { seen, changed, result }.encode(), is_final)
        };
        let Some(Errand { id, digest }) = errand else { return Arc::new(run().0) };
        let strange = || Answer { seen: 0, changed: Changed::Any, result: Err(Error::ArgumentsBad) }.encode();
        self.recent.once(id, digest, run).unwrap_or_else(|| Arc::new(strange()))
    }

    fn result(&self, request: &Request, errand: Option<Errand>) -> Result<Reply> {
        let opened = request.ticket.as_ref().map(|sealed| self.open_ticket(sealed)).transpose()?;
        // Of all its bytes: who brings its id with another request is another.
        let mark = errand.and_then(|errand| errand.digest.first_chunk().copied());
        let asked = Asked { service: self, opened: opened.as_deref(), mark };
        let Some(errand) = errand else { return asked.reply(&request.call) };
        if let Some(answer) = self.remembered(&asked, request, errand)? {
            return answer;
        }
        let result = errand::on(Some(errand), || asked.reply(&request.call));
        match result {
            // It was made while this node was still at it, or may have been.
            Err(Error::FunctionFailed | Error::DeviceRemoved) => {
                self.remembered(&asked, request, errand)?.unwrap_or(result)
            }
            result => result,
        }
    }

    /// The answer to a request that has changed something before, on this node or another.
    fn remembered(
        &self,
        asked: &Asked<'_>,
        request: &Request,
        errand: Errand,
    ) -> Result<Option<Result<Reply>>> {
        Ok(match self.store.outcome_of(errand)? {
            None => None,
            Some(Remembered::Other) => Some(Err(Error::ArgumentsBad)),
            Some(Remembered::Outcome(Outcome::WrongPassword)) => Some(Err(Error::PinIncorrect)),
            Some(Remembered::Outcome(Outcome::Done(objects))) => {
                let again = asked.again(&request.call, &objects);
                Some(again.unwrap_or_else(|| errand::on(None, || asked.reply(&request.call))))
            }
        })
    }

    fn open_ticket(&self, sealed: &[u8]) -> Result<Arc<Opened>> {
        let (digest, now) = (sha256(sealed), clock::now());
        if let Some(opened) = self.tickets.get(&digest, now) {
            return Ok(opened);
        }
        let opened = Arc::new(self.open(|token, key| token.import_ticket(sealed, key, now))?);
        self.tickets.put(digest, &opened);
        Ok(opened)
    }

    /// Lets go of tickets that nobody brings any more; to be called now and then.
    pub fn sweep(&self) {
        self.tickets.sweep();
    }

    /// The token.
    pub(super) fn token(&self) -> &LocalToken {
        &self.token
    }

    /// The cluster key in use.
    pub(super) fn key(&self) -> Result<Arc<ClusterKey>> {
        self.member.ring.keys().into_iter().next().ok_or(Error::DeviceRemoved)
    }

    /// Opens what one of the cluster keys has sealed; the error is that of the key in use.
    pub(super) fn open<T>(&self, open: impl Fn(&LocalToken, &ClusterKey) -> Result<T>) -> Result<T> {
        let mut first = None;
        for key in self.member.ring.keys() {
            match open(&self.token, &key) {
                Ok(opened) => return Ok(opened),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::DeviceRemoved))
    }

    /// Seals a login, or the confirmation of one.
    pub(super) fn seal(&self, ticket: &Arc<dyn Ticket>, lifetime: Duration) -> Result<Reply> {
        let expiry = clock::now().saturating_add(lifetime.as_secs());
        let sealed = self.token.export_ticket(ticket, &*self.key()?, expiry)?;
        Ok(Reply::Ticket { sealed, lifetime: lifetime.as_secs() })
    }

    /// How long tickets are good.
    pub(super) fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }

    /// Whether a confirmation has not been used yet, on any node, or by this very request only; now it has.
    pub(super) fn is_first_use(&self, number: [u8; 16], request: Option<[u8; 16]>) -> Result<bool> {
        Ok(self.store.spend(number, request)?)
    }

    /// Whether clients may answer themselves for a moment from what they have just read.
    pub(super) fn may_keep(&self) -> bool {
        self.member.reads() == Reads::Session
    }

    /// Whether the token can be changed now.
    pub(super) fn can_change(&self) -> bool {
        self.member.can_change()
    }

    /// Whether keys made now would be on one node only, where there were more.
    pub(super) fn is_last(&self) -> bool {
        self.member.is_last()
    }

    /// Waits until what has been made is on as many nodes as the settings want.
    pub(super) fn is_available(&self) -> Option<bool> {
        turn::give_up();
        self.runtime.block_on(self.member.is_available(self.member.machine.index()))
    }
}
