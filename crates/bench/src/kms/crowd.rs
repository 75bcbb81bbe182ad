//! Whether a front is as fast with many keys as with few: two fronts, each over a token of its own, one of which is filled with keys first.

use std::time::Instant;

use serde_json::{Value, json};

use super::home::FrontHome;
use super::load::{Load, Seen, microseconds};
use super::plan::{CROWD, Crowd, PLAINTEXT};
use super::report::{Line, Table};
use super::server::Server;
use super::{Place, Setting, measure_rows};
use crate::{Options, Result, progress};

/// Keys of the front that has few.
const FEW: usize = 10;

/// Connections that fill a front, and keys that each makes before it is told how far it has come.
const FILLERS: usize = 32;
const AT_A_TIME: usize = 16;

/// Measures the rows, and how long another front over the same token takes until it answers.
pub fn measure(setting: &Setting) -> Result<Table> {
    let many = setting.options.kms_keys.max(FEW);
    let homes = [("few", FEW), ("many", many)].map(|(folder, keys)| {
        let home = FrontHome::make(setting.module, setting.program, setting.folder.join(folder))?;
        Ok::<_, crate::Error>((home, keys))
    });
    let homes = homes.into_iter().collect::<Result<Vec<_>>>()?;
    let mut places = Vec::new();
    for (home, keys) in &homes {
        let server = home.start()?;
        fill(setting, &server, *keys)?;
        let subject = setting.runtime.block_on(look_around(&server))?;
        places.push(Place { name: format!("{keys} keys"), server, subject });
    }
    let homes: Vec<FrontHome> = homes.into_iter().map(|(home, _)| home).collect();
    let mut lines = measure_starts(setting, &homes, &places)?;
    lines.splice(0..0, measure_rows(setting, CROWD, &places)?);
    let about = format!("A front with few keys, and one with many ({many}), over a token of its own each:");
    Ok(Table { about, lines })
}

/// Makes keys until there are so many, or a few more.
fn fill(setting: &Setting, server: &Server, keys: usize) -> Result<()> {
    let request = server.sign_all("CreateKey", &[json!({})])?;
    let mut made = 0;
    let begun = Instant::now();
    while made < keys {
        let connections = FILLERS.min(keys - made);
        let each = AT_A_TIME.min((keys - made) / connections);
        // It ends by itself.
        let load = Load { connections, seconds: 86_400.0, each };
        setting.runtime.block_on(load.run(server.address, &request))?;
        made += connections * each;
        progress::tell(&format!("{made} of {keys} keys made in {:.1} s", begun.elapsed().as_secs_f64()));
    }
    progress::end();
    Ok(())
}

/// Learns all keys, and where the last whole page of a hundred begins.
async fn look_around(server: &Server) -> Result<Crowd> {
    let mut keys = Vec::new();
    let (mut marker, mut last_page) = (Value::Null, Value::Null);
    loop {
        let mut request = json!({ "Limit": 100 });
        if !marker.is_null() {
            request["Marker"] = marker.clone();
        }
        let page = server.call("ListKeys", &request).await?;
        let entries = page["Keys"].as_array().ok_or("no keys")?;
        if entries.len() == 100 || last_page.is_null() {
            last_page = request;
        }
        keys.extend(entries.iter().filter_map(|entry| Some(entry["KeyId"].as_str()?.to_owned())));
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    let first = keys.first().ok_or("no keys")?.clone();
    Ok(Crowd { first, keys, last_page })
}

/// How long another front takes: from its start to its first answer about a key, and to the first that takes knowing all keys.
fn measure_starts(setting: &Setting, homes: &[FrontHome], places: &[Place<Crowd>]) -> Result<Vec<Line>> {
    let mut used = Line::new("another front's start to its first Encrypt", 0);
    let mut listed = Line::new("another front's start to its first ListKeys after that", 0);
    let Options { repetitions, .. } = *setting.options;
    for repetition in 1..=repetitions {
        progress::tell(&format!("repetition {repetition} of {repetitions}: another front's start"));
        for (home, Place { name, subject, .. }) in homes.iter().zip(places) {
            let begun = Instant::now();
            let server = home.start()?;
            let calls = [
                (&mut used, "Encrypt", json!({ "KeyId": subject.first, "Plaintext": PLAINTEXT })),
                (&mut listed, "ListKeys", subject.last_page.clone()),
            ];
            for (line, operation, body) in calls {
                setting.runtime.block_on(server.call(operation, &body))?;
                let median = Some(microseconds(begun.elapsed()));
                line.add(name, Seen { median, ..Seen::default() });
            }
        }
    }
    progress::end();
    Ok(vec![used, listed])
}
