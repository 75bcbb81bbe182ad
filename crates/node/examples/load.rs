//! Signs with one key from many threads until standard input ends, as any program that uses the module; for demonstrations.
//!
//!     load MODULE TOKEN-LABEL PIN KEY-LABEL THREADS
//!
//! Each line on standard input is answered by one, and the end of it by the last: `signatures ERRORS LONGEST-PAUSE-MS`, of the time since the line before.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// What all threads have come to since it was told last.
#[derive(Default)]
struct Tally {
    signatures: AtomicU64,
    errors: AtomicU64,
    /// The longest time that one thread was without a signature, microseconds.
    pause: AtomicU64,
    /// Whether the load is to end.
    ended: AtomicBool,
}

impl Tally {
    fn tell(&self) -> std::io::Result<()> {
        let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        let pause = take(&self.pause) / 1000;
        println!("{} {} {pause}", take(&self.signatures), take(&self.errors));
        std::io::stdout().flush()
    }

    /// Signs until the end.
    fn sign(&self, session: &Session, key: &str) -> Result<(), Box<dyn Error>> {
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(key.into())];
        let key = *session.find_objects(&wanted)?.first().ok_or("there is no such key")?;
        let mut last = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            match session.sign(&Mechanism::EcdsaSha256, key, b"What is signed under load.") {
                Ok(_) => self.signatures.fetch_add(1, Ordering::Relaxed),
                Err(error) => {
                    eprintln!("load: {error}");
                    self.errors.fetch_add(1, Ordering::Relaxed)
                }
            };
            let pause = u64::try_from(last.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.pause.fetch_max(pause, Ordering::Relaxed);
            last = Instant::now();
        }
        Ok(())
    }
}

/// The slot with the token of that label.
fn slot_of(module: &Pkcs11, label: &str) -> Result<Slot, Box<dyn Error>> {
    for slot in module.get_slots_with_initialized_token()? {
        if module.get_token_info(slot)?.label() == label {
            return Ok(slot);
        }
    }
    Err(format!("there is no token {label}").into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, token, pin, key, threads] = &arguments[..] else {
        return Err("usage: load MODULE TOKEN-LABEL PIN KEY-LABEL THREADS".into());
    };
    let threads: usize = threads.parse()?;
    let module = Pkcs11::new(path)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slot = slot_of(&module, token)?;
    // Held to the end: a login ends with the last session.
    let first = module.open_ro_session(slot)?;
    first.login(UserType::User, Some(&AuthPin::new(pin.clone().into())))?;

    let (tally, ready) = (Tally::default(), Barrier::new(threads + 1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let session = module.open_ro_session(slot);
                ready.wait();
                let done = session.map_err(Box::from).and_then(|session| tally.sign(&session, key));
                if let Err(error) = done {
                    eprintln!("load: {error}");
                    tally.errors.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        ready.wait();
        for line in std::io::stdin().lock().lines() {
            line?;
            tally.tell()?;
        }
        tally.ended.store(true, Ordering::Relaxed);
        Ok::<_, std::io::Error>(())
    })?;
    tally.tell()?;
    Ok(())
}
