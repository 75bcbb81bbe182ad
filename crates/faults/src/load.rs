//! Clients at work: each a thread with the library's own client, doing what its seed says until it is told to stop.

use crate::history::{Action, Outcome, Recorder, Verdict, Version};
use crate::thing::{Kind, OPEN, Session, Thing};
use cloister::config::ClusterSettings;
use cloister::error::Error;
use cloister::pin::{Credentials, Role};
use cloister::token::remote::RemoteToken;
use cloister::token::{Ticket, Token};
use fastrand::Rng;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The officer's PIN.
pub const OFFICER_PIN: &[u8] = b"officer-pin";
/// The PIN of the user who does the work.
pub const USER_PIN: &[u8] = b"user-pin";
/// Wrong PINs in a row that lock a user.
pub const TRIES: usize = 5;
/// How many users there are whose PINs are guessed.
pub const VICTIMS: usize = 40;
/// The right PIN of all of these.
pub const VICTIMS_PIN: &[u8] = b"never-guessed";
/// Objects that are worked on at a time.
const SHELF: usize = 24;
/// A client's longest pause between two operations, in milliseconds.
const PAUSE: u64 = 20;
/// Guesses that a client makes at one user before it turns to the next.
const GUESSES: usize = 2;
/// Each client numbers its objects and values from its own multiple of this.
const OWN: u64 = 1 << 32;

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Set,
    Destroy,
    Read,
    Find,
    Employ,
    Login,
    Guess,
}

/// How often each comes, in a hundred.
const STEPS: &[(Step, usize)] = &[
    (Step::Create, 10),
    (Step::Set, 20),
    (Step::Destroy, 5),
    (Step::Read, 35),
    (Step::Find, 10),
    (Step::Employ, 15),
    (Step::Login, 3),
    (Step::Guess, 2),
];

/// What is made, each as often as the others.
const KINDS: [Kind; 3] = [Kind::Data, Kind::Imported, Kind::Generated];

/// What all clients share.
#[derive(Default)]
pub struct Load {
    /// What they were told.
    pub recorder: Recorder,
    /// The objects that are worked on.
    shelf: Mutex<Vec<Option<Arc<Thing>>>>,
    /// All objects that were ever asked for.
    things: Mutex<Vec<Arc<Thing>>>,
    stop: AtomicBool,
}

impl Load {
    /// No client goes on.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// All objects that were ever asked for.
    pub fn things(&self) -> Vec<Arc<Thing>> {
        self.things.lock().clone()
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn on_shelf(&self, at: usize) -> Option<Arc<Thing>> {
        self.shelf.lock().get(at).cloned().flatten()
    }

    fn put_on_shelf(&self, at: usize, thing: Option<Arc<Thing>>) {
        let mut shelf = self.shelf.lock();
        shelf.resize(SHELF, None);
        shelf[at] = thing;
    }
}

/// The name of a user whose PIN is guessed.
pub fn victim(number: usize) -> String {
    format!("victim-{}", number % VICTIMS)
}

/// Name and PIN of one of these.
pub fn victim_credentials(name: &str, pin: &[u8]) -> Credentials {
    Credentials::from_pin(Role::User, &[name.as_bytes(), b":", pin].concat())
}

/// Makes the token, its user, and the users whose PINs are to be guessed.
pub fn prepare(token: &RemoteToken) -> Result<(), Error> {
    let officer = Credentials::from_pin(Role::Officer, OFFICER_PIN);
    token.initialize(&officer, "faults")?;
    let officer = token.login(Role::Officer, &officer)?;
    token.init_pin(Some(&officer), &Credentials::from_pin(Role::User, USER_PIN))?;
    for name in (0..VICTIMS).map(victim) {
        let credentials = victim_credentials(&name, VICTIMS_PIN);
        token.create_user(Some(&officer), Role::User, &credentials)?;
    }
    Ok(())
}

/// A client.
pub struct Client {
    number: usize,
    chance: Chance,
    token: RemoteToken,
    ticket: Option<Arc<dyn Ticket>>,
    written: Version,
    made: u64,
    guesses: usize,
}

/// All that chance decides of one step; always drawn whole, so that a seed draws the same whatever is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Draw {
    step: Step,
    shelf: usize,
    kind: Kind,
    pause: Duration,
}

/// What a client does, step by step.
struct Chance {
    random: Rng,
    /// Each step as often as it is to come.
    steps: Vec<Step>,
}

impl Chance {
    /// By the seed and the client's number alone.
    fn new(seed: u64, client: usize) -> Chance {
        // Neighbouring numbers are to have nothing in common: any odd number of many bits does.
        let mixed = seed ^ (client as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let times = |(step, times): &(Step, usize)| std::iter::repeat_n(*step, *times);
        Chance { random: Rng::with_seed(mixed), steps: STEPS.iter().flat_map(times).collect() }
    }

    fn draw(&mut self) -> Draw {
        let Chance { random, steps } = self;
        let step = steps[random.usize(..steps.len())];
        let shelf = random.usize(..SHELF);
        let kind = KINDS[random.usize(..KINDS.len())];
        Draw { step, shelf, kind, pause: Duration::from_millis(random.u64(..PAUSE)) }
    }
}

impl Client {
    /// A client that has not asked anything yet.
    pub fn new(number: usize, seed: u64, settings: ClusterSettings) -> Client {
        Client {
            number,
            chance: Chance::new(seed, number),
            token: RemoteToken::new(settings),
            ticket: None,
            written: OWN * (number as u64 + 1),
            made: OWN * number as u64,
            guesses: 0,
        }
    }

    /// Works until the load is over.
    pub fn work(mut self, load: &Load) {
        while !load.is_over() {
            let draw = self.chance.draw();
            match draw.step {
                Step::Guess => self.guess(load),
                Step::Login => self.login(load),
                _ if self.ticket.is_none() => self.login(load),
                step => self.operate(load, step, &draw),
            }
            std::thread::sleep(draw.pause);
        }
    }

    fn next_version(&mut self) -> Version {
        self.written += 1;
        self.written
    }

    /// A step with an object; where there is none, one is made.
    fn operate(&mut self, load: &Load, step: Step, draw: &Draw) {
        let version = self.next_version();
        let Some(ticket) = &self.ticket else { return };
        let session = Session { token: &self.token, ticket };
        let (thing, step) = match (step, load.on_shelf(draw.shelf)) {
            (Step::Create, _) | (_, None) => {
                self.made += 1;
                let number = usize::try_from(self.made).unwrap_or(usize::MAX);
                let thing = Arc::new(Thing::new(number, draw.kind));
                load.things.lock().push(thing.clone());
                (thing, Step::Create)
            }
            // Nobody knows yet what it is called in the token.
            (_, Some(thing)) if !thing.is_named() => (thing, Step::Find),
            (step, Some(thing)) => (thing, step),
        };
        let note = |action, work: &dyn Fn() -> Outcome| {
            load.recorder.operation(self.number, thing.number, action, work)
        };
        match step {
            Step::Create => {
                let outcome = note(Action::Create(version), &|| thing.create(&session, version));
                if !matches!(outcome, Outcome::Refused(_)) {
                    load.put_on_shelf(draw.shelf, Some(thing.clone()));
                }
            }
            Step::Set => drop(note(Action::Set(version), &|| thing.set(&session, version))),
            Step::Destroy => {
                let outcome = note(Action::Destroy, &|| thing.destroy(&session));
                if outcome == Outcome::Gone {
                    load.put_on_shelf(draw.shelf, None);
                }
            }
            Step::Read => drop(note(Action::Read, &|| thing.read(&session))),
            Step::Find => {
                if note(Action::Find, &|| thing.find(&session)) == Outcome::Gone && thing.is_named() {
                    load.put_on_shelf(draw.shelf, None);
                }
            }
            Step::Employ => drop(note(Action::Use, &|| thing.employ(&session))),
            Step::Login | Step::Guess => {}
        }
    }

    fn login(&mut self, load: &Load) {
        let credentials = Credentials::from_pin(Role::User, USER_PIN);
        let verdict = load.recorder.login(self.number, "user", true, || {
            let (ticket, verdict) = attempt(&self.token, &credentials);
            self.ticket = ticket.or(self.ticket.take());
            verdict
        });
        log_in_vain(self.number, verdict);
    }

    /// Guesses wrong. All clients guess at the same users at about the same time.
    fn guess(&mut self, load: &Load) {
        let name = victim(self.guesses / GUESSES);
        self.guesses += 1;
        let wrong = victim_credentials(&name, format!("guess-{}", self.guesses).as_bytes());
        load.recorder.login(self.number, &name, false, || attempt(&self.token, &wrong).1);
    }
}

/// The worker's own login is never refused: said at once, as a run without logins shows nothing.
fn log_in_vain(client: usize, verdict: Verdict) {
    if let Verdict::Refused(error) = verdict {
        eprintln!("client {client} may not log in: {error}");
    }
}

/// A try to log in.
pub fn attempt(token: &RemoteToken, credentials: &Credentials) -> (Option<Arc<dyn Ticket>>, Verdict) {
    match token.login(Role::User, credentials) {
        Ok(ticket) => (Some(ticket), Verdict::In),
        Err(Error::PinIncorrect) => (None, Verdict::Wrong),
        Err(Error::PinLocked) => (None, Verdict::Locked),
        Err(open) if OPEN.contains(&open) => (None, Verdict::Unknown),
        Err(other) => (None, Verdict::Refused(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, client: usize) -> Vec<Draw> {
        let mut chance = Chance::new(seed, client);
        (0..100).map(|_| chance.draw()).collect()
    }

    #[test]
    fn a_client_draws_by_the_seed_and_its_number_alone() {
        assert_eq!(draws(5, 1), draws(5, 1));
        assert_ne!(draws(5, 1), draws(5, 2));
        assert_ne!(draws(5, 1), draws(6, 1));
    }
}
