use super::*;

const GOOD: &str = r#"
listen = "127.0.0.1:8443"

[hsm]
module = "/usr/lib/libcloister.so"
token = "box"
pin-file = "pin"

[[prefix]]
path = "/a"
credentials = "a.toml"
authorization = "allow-all"
requests-per-second = 1800

[[prefix.key]]
id = "orders"
versions = [{ version = 1, label = "orders-1" }, { version = 2, id = "0aFF" }]
"#;

fn read(text: &str) -> Result<Settings, Wrong> {
    Settings::of_text(Path::new("/etc/xks/proxy.toml"), text)
}

fn wrong(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn paths_start_at_the_folder_of_the_file_and_what_is_left_out_has_its_default() {
    let settings = read(GOOD).unwrap();
    assert_eq!(settings.hsm.module, Path::new("/usr/lib/libcloister.so"));
    assert_eq!(settings.hsm.pin_file, Path::new("/etc/xks/pin"));
    assert_eq!(settings.prefixes[0].credentials, Path::new("/etc/xks/a.toml"));
    assert_eq!((settings.iv_bytes, settings.fleet_size, settings.hsm.sessions), (16, 1, 16));
    assert_eq!(settings.prefixes[0].keys[0].status, KeyStatus::Enabled);
    assert_eq!(settings.deadline(), Duration::from_millis(200));
}

#[test]
fn an_unknown_key_is_told_in_one_line_with_its_place() {
    let text = wrong(&GOOD.replace("pin-file", "pinfile"));
    assert!(text.starts_with("/etc/xks/proxy.toml:7: unknown field `pinfile`"), "{text}");
    assert!(!text.contains('\n'), "{text}");
    let text = wrong(&format!("{GOOD}\n[[prefix.rule]]\nname = \"r\"\nprincipal = []\n"));
    assert!(text.contains("unknown field `principal`"), "{text}");
    let text = wrong(&format!("tls = {{ certificate = \"c\", key = \"k\", client = \"x\" }}\n{GOOD}"));
    assert!(text.contains("unknown field `client`"), "{text}");
}

#[test]
fn plain_http_is_for_loopback_or_by_order() {
    let open = GOOD.replace("127.0.0.1", "0.0.0.0");
    assert!(wrong(&open).contains("not a loopback address"));
    assert_eq!(read(&format!("tls = \"none\"\n{open}")).unwrap().tls, Some(Tls::None));
    let files = read(&format!("tls = {{ certificate = \"c.pem\", key = \"k.pem\" }}\n{open}")).unwrap();
    let Some(Tls::Own(files)) = files.tls else { panic!("no TLS") };
    assert_eq!(files.certificate, Path::new("/etc/xks/c.pem"));
    assert!(wrong(&format!("tls = \"nine\"\n{open}")).contains("\"none\" or a table"));
    for local in ["localhost", "[::1]", "127.9.9.9"] {
        read(&GOOD.replace("127.0.0.1", local)).unwrap();
    }
}

#[test]
fn client_certificates_are_checked_by_issuer_and_name_or_not_at_all() {
    for half in ["client-ca = \"ca.pem\"", "client-names = [\"cks.kms.eu-west-1.amazonaws.com\"]"] {
        let text = wrong(&format!("{GOOD}\n[tls]\ncertificate = \"c\"\nkey = \"k\"\n{half}\n"));
        assert!(text.contains("go together"), "{text}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (from, to, expected) in [
        ("token = \"box\"", "token = \"box\"\ndeadline-ms = 250", "hsm.deadline-ms = 250: write 10 to 240"),
        ("token = \"box\"", "token = \"box\"\nsessions = 0", "hsm.sessions = 0"),
        ("listen", "iv-bytes = 13\nlisten", "write 12 or 16"),
        ("listen", "fleet-size = 0\nlisten", "fleet-size = 0"),
        ("listen", "health = { seconds = 61 }\nlisten", "health.seconds = 61: write 0 to 60"),
        ("\"/a\"", "\"a\"", "prefix \"a\": write"),
        ("\"/a\"", "\"/a/\"", "prefix \"/a/\": write"),
        ("\"orders\"", "\"or/ders\"", "key \"or/ders\": an id has"),
        ("version = 2", "version = 1", "version \"1\" is there twice"),
        ("id = \"0aFF\"", "id = \"0aF\"", "id is not hexadecimal"),
        ("id = \"0aFF\"", "label = \"orders-1\"", "is there twice"),
        (", label = \"orders-1\"", "", "write label, id or both"),
        ("\"allow-all\"", "\"rules\"", "without a [[prefix.rule]]"),
        ("1800", "0", "expected a nonzero u32"),
        ("id = \"orders\"", "id = \"orders\"\nstatus = \"off\"", "unknown variant `off`"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let text = wrong(&GOOD.replacen(from, to, 1));
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn a_prefix_says_how_it_authorizes() {
    assert!(
        wrong(&GOOD.replace("authorization = \"allow-all\"\n", "")).contains("missing field `authorization`")
    );
    let both = format!("{GOOD}\n[[prefix.rule]]\nname = \"r\"\n");
    assert!(wrong(&both).contains("don't count"));
    assert_eq!(read(&both.replace("allow-all", "rules")).unwrap().prefixes[0].rules[0].effect, Effect::Allow);
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let documentation = include_str!("../../../../../../docs/xks.md");
    let example = documentation.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let text: String = example.lines().map(|line| format!("{}\n", line.trim())).collect();
    let settings = read(&text).unwrap();
    assert_eq!(settings.prefixes[0].rules.len(), 1);
}
