//! How others learn that the proxy serves, and where.

use std::{fs, os::unix::net::UnixDatagram, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Proxyhost, StandardError};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file is there")).expect("JSON")
}

#[tokio::test]
async fn a_file_says_where_it_serves_until_it_ends() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("ready.json");
    // As one is left behind by a proxy that was killed.
    fs::write(&file, r#"{"pid":1}"#).expect("a file");
    let config = "[[listeners]]\nmode = \"regular\"\nsession = \"a\"\n\n[[listeners]]\nmode = \"reverse:http://localhost:3000@0\"\n";
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    let start = Proxyhost::with(["-q"]).config(config).arg("--ready-file").arg(&file);
    let start = start.env("NOTIFY_SOCKET", socket.to_str().expect("UTF-8")).listeners(2);
    let proxy = start.start().await;
    let mut told = [0; 64];
    let count = manager.recv(&mut told).expect("a message");
    assert_eq!(&told[..count], b"READY=1\n");
    let found = read(&file);
    let expected = json!({
        "pid": proxy.pid(),
        "listeners": [
            { "mode": "regular", "address": proxy.address().to_string(), "session": "a" },
            { "mode": "reverse:http://localhost:3000", "address": proxy.reverse_addresses()[0].to_string() },
        ],
    });
    assert_eq!(found, expected);
    assert!(proxy.stop().await.success());
    assert!(!file.exists());
    let count = manager.recv(&mut told).expect("a message");
    assert_eq!(&told[..count], b"STOPPING=1\n");
}

#[tokio::test]
async fn a_service_manager_sees_when_it_reads_everything_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let told = || {
        let mut told = [0; 128];
        let count = manager.recv(&mut told).expect("a message");
        String::from_utf8_lossy(&told[..count]).into_owned()
    };
    let start = Proxyhost::with(["--control", "0"]).env("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"));
    let proxy = start.start().await;
    assert_eq!(told(), "READY=1\n");
    // Also where nothing has changed, or what is there cannot be taken over.
    proxy.signal("HUP");
    let begins = |told: &str| told.starts_with("RELOADING=1\nMONOTONIC_USEC=") && told.matches('\n').count() == 2;
    let first = told();
    assert!(begins(&first), "{first}");
    assert_eq!(told(), "READY=1\n");
    for value in ["404", "no"] {
        proxy.try_ctl(&["options", "set", &format!("server_replay_extra={value}")]).await;
        let next = told();
        assert!(begins(&next), "{next}");
        assert_eq!(told(), "READY=1\n");
    }
}

#[tokio::test]
async fn a_file_that_is_none_of_a_proxy_is_left_alone() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("notes.txt");
    fs::write(&file, "not to be lost").expect("a file");
    let said = Proxyhost::with(["--listen", "127.0.0.1:0", "--ready-file"]).arg(&file).refusal();
    assert!(said.starts_with("error: cannot write `") && said.contains("none of a proxy before"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "not to be lost");
    let said = Proxyhost::with(["--ready-file", "gone/ready.json"]).refusal();
    assert!(said.ends_with("gone/ready.json` (--ready-file): No such file or directory (os error 2)\n"), "{said}");
}

#[tokio::test]
async fn an_address_that_was_asked_for_is_said_also_with_q() {
    for (arguments, filter) in [(&["-q"][..], None), (&[][..], Some("off"))] {
        let mut start = Proxyhost::with(arguments.iter().copied());
        if let Some(filter) = filter {
            start = start.env("PROXYHOST_LOG", filter);
        }
        // It waits until that is said.
        let proxy = start.start().await;
        assert_eq!(proxy.log(), format!("INFO proxy listening on http://{}", proxy.address()));
        assert!(proxy.stop().await.success());
    }
}

#[tokio::test]
async fn a_ready_file_does_for_who_hears_nothing_else() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("ready.json");
    let start = Proxyhost::with(["--ready-file"]).arg(&file);
    let proxy = start.unheard(StandardError::Is(Stdio::null())).await;
    let written = async {
        while !file.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    crate::harness::soon("the file", written).await;
    assert_eq!(read(&file)["listeners"][0]["address"], proxy.address().to_string());
    assert!(proxy.stop().await.success());
    assert!(!file.exists());
}
