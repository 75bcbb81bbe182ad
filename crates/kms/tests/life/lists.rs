//! What a front knows of the records that others make and remove.

use cloister_kms::book::{Book, label};
use cryptoki::object::{Attribute, ObjectClass};
use serde_json::json;

use crate::support::{Front, alone};

const FOLDER: &str = "kms/a-test/";

/// The numbers of the records that the front lists, and counts as many.
fn listed(front: &Front) -> Vec<usize> {
    let names = front.0.book.names(FOLDER, None, usize::MAX).unwrap();
    assert_eq!(front.0.book.count_in(FOLDER).unwrap(), names.len());
    names.iter().map(|name| name[FOLDER.len()..].parse().unwrap()).collect()
}

fn name(number: usize) -> String {
    format!("{FOLDER}{number:03}")
}

fn make(book: &Book, number: usize) {
    book.create(&name(number), &json!(number)).unwrap();
}

fn remove(book: &Book, number: usize) {
    for kept in book.all::<usize>(&name(number)).unwrap() {
        book.remove(&name(number), kept.object).unwrap();
    }
}

#[test]
fn a_front_lists_what_others_have_made_and_not_what_they_have_removed() {
    let _alone = alone();
    let fronts = [Front::start(), Front::start(), Front::start()];
    let everywhere = |numbers: &[usize]| fronts.iter().all(|front| listed(front) == numbers);
    assert!(everywhere(&[]));
    make(&fronts[0].0.book, 1);
    make(&fronts[1].0.book, 2);
    assert!(everywhere(&[1, 2]));
    // One that shares its name with another is there until both have gone.
    make(&fronts[1].0.book, 1);
    remove(&fronts[0].0.book, 2);
    assert!(everywhere(&[1]));
    let all = fronts[2].0.book.all::<usize>(&name(1)).unwrap();
    fronts[2].0.book.remove(&name(1), all[0].object).unwrap();
    assert!(everywhere(&[1]));
    fronts[2].0.book.remove(&name(1), all[1].object).unwrap();
    assert!(everywhere(&[]));
    // More than a mark tells, and a front that ends before the others look.
    (100..300).for_each(|number| make(&fronts[0].0.book, number));
    (100..299).for_each(|number| remove(&fronts[1].0.book, number));
    assert!(everywhere(&[299]));
    remove(&fronts[1].0.book, 299);
    make(&fronts[1].0.book, 5);
    fronts[1].0.book.leave().unwrap();
    assert!(everywhere(&[5]));
    remove(&fronts[0].0.book, 5);
    assert!(everywhere(&[]));
}

#[test]
fn what_other_programs_keep_in_the_token_is_in_no_list() {
    let _alone = alone();
    let front = Front::start();
    for label in ["", "keys/of/mine", "km"] {
        let theirs = [
            Attribute::Class(ObjectClass::DATA),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Private(true),
        ];
        front.0.token.with(|session| session.create_object(&theirs)).unwrap();
    }
    let names = front.0.book.names("", None, usize::MAX).unwrap();
    assert!(names.iter().all(|name| name.starts_with(label::PREFIX)), "{names:?}");
}
