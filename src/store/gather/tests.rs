//! What each of those who share a transaction is told.

use super::super::tests::Fixture;
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn job(work: impl Fn(&Writer<'_>) -> Step<()> + Send + 'static) -> Job {
    Job::new(None, work, Arc::default())
}

#[test]
fn only_who_has_committed_alone_is_told_that_nothing_else_has_changed_meanwhile() {
    let it = Fixture::new();
    let database = &it.store.database;
    let commit = |count: usize| {
        let mut jobs: Vec<Job> = (0..count).map(|_| job(|_| Ok(()))).collect();
        let before = it.store.counter();
        let told: Vec<_> =
            database.do_together(&mut jobs, &|| ()).into_iter().map(|told| told.unwrap().unwrap()).collect();
        assert_eq!(told.len(), count);
        assert!(told.iter().all(|moved| Some(moved.to) == it.store.counter()));
        told.iter().all(|moved| moved.from == before)
    };
    assert!(commit(1));
    assert!(!commit(2));
}

#[test]
fn those_who_share_a_transaction_wait_for_another_process_once_not_one_after_the_other() {
    let it = Fixture::new();
    let tries = Arc::new(AtomicUsize::new(0));
    let mut jobs: Vec<Job> = (0..3)
        .map(|_| {
            let tries = tries.clone();
            job(move |writer| {
                tries.fetch_add(1, Ordering::SeqCst);
                writer.execute_batch("ROLLBACK")?;
                Err(Error::Busy("token.db".into()).into())
            })
        })
        .collect();
    let told = it.store.database.do_together(&mut jobs, &|| ());
    assert!(told.len() == 3 && told.iter().all(|told| matches!(told, Err(Error::Busy(_)))), "{told:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}
