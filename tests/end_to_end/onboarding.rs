//! What the proxy itself answers: the certificate that clients have to trust, and how.

use std::{fs, process::Command};

use tempfile::TempDir;

use crate::harness::{Message, Origin, Proxyhost, Wire, get, recording};

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1";

async fn asked(mut wire: Wire, target: &str, host: &str, agent: &str) -> Message {
    wire.ask("GET", target, host, &[("User-Agent", agent)], b"").await
}

#[tokio::test]
async fn the_page_is_there_through_the_proxy_and_for_who_opens_the_listener() {
    // Also where nothing is to be sent anywhere, or to be answered but by a recording.
    let known = recording([get("http://known.example/")]);
    let proxies = [
        Proxyhost::with(["--offline"]).start().await,
        Proxyhost::with(["-k"]).replay(&known).start().await,
        Proxyhost::with(["--server-replay-extra", "404"]).replay(&known).start().await,
    ];
    for proxy in &proxies {
        let address = proxy.address().to_string();
        for (target, host) in
            [("http://mitm.it/", "mitm.it"), ("http://proxyhost.local/", "proxyhost.local"), ("/", &address)]
        {
            let page = asked(proxy.connect().await, target, host, IPHONE).await;
            assert_eq!((page.status(), page.field("content-type")), (200, Some("text/html; charset=utf-8")));
            let text = page.text();
            let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}: {text}"));
            assert!(at("id=\"ios\"") < at("id=\"windows\"") && at("/cert/p12") < at("id=\"ios\""));
            for what in
                ["/cert/pem", "/cert/cer", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "keytool", "Android", "Firefox"]
            {
                at(what);
            }
        }
        let mut http2 = proxy.http2().await;
        for host in [address.as_str(), &address.replace("127.0.0.1", "localhost")] {
            let page = http2.get(&format!("http://{host}/")).await;
            assert_eq!((page.status(), page.field("content-type")), (200, Some("text/html; charset=utf-8")), "{host}");
        }
        // Behind a port of another address is somebody else.
        let other = http::Request::get(format!("http://{}/", address.replace("127.0.0.1", "127.0.0.2")));
        let answer = http2.send(other.body(Default::default()).expect("a request")).await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() != 200));
        let page = asked(proxy.tls("mitm.it:443").await, "/", "mitm.it", "curl/8.5.0").await;
        assert!(page.text().find("id=\"curl\"") < page.text().find("id=\"ios\""));
        // What is not there, and what is for another server.
        for (target, host) in [("/other", address.as_str()), ("/", "127.0.0.1:1"), ("/", "shop.example")] {
            assert_eq!(asked(proxy.connect().await, target, host, IPHONE).await.status(), 400, "{target} {host}");
        }
    }
}

#[tokio::test]
async fn the_certificate_is_given_out_in_each_format_and_never_the_key() {
    let proxy = Proxyhost::with([]).start().await;
    let pem = fs::read(proxy.ca_certificate()).expect("the certificate");
    let folder = TempDir::new().expect("a temporary folder");
    let mut files = Vec::new();
    for (path, kind) in
        [("pem", "application/x-x509-ca-cert"), ("cer", "application/x-x509-ca-cert"), ("p12", "application/x-pkcs12")]
    {
        let file = asked(proxy.connect().await, &format!("http://mitm.it/cert/{path}"), "mitm.it", "curl/8.5.0").await;
        assert_eq!((file.status(), file.field("content-type")), (200, Some(kind)), "{path}");
        let name = format!("attachment; filename=\"proxyhost-ca-cert.{path}\"");
        assert_eq!(file.field("content-disposition"), Some(name.as_str()));
        assert!(!file.body.windows(11).any(|window| window == b"PRIVATE KEY"));
        fs::write(folder.path().join(path), &file.body).expect("a file");
        files.push(file.body);
    }
    assert_eq!(files[0], pem);
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder.path()).output();
        output.map(|output| (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let base64 = |text: &str| {
        let lines = text.lines().skip_while(|line| !line.contains("BEGIN CERTIFICATE")).skip(1);
        lines.take_while(|line| !line.contains("END CERTIFICATE")).collect::<String>()
    };
    let expected = base64(&String::from_utf8_lossy(&pem));
    // Where there is something that can tell.
    if let Ok((is_read, text)) = openssl(&["x509", "-inform", "DER", "-in", "cer"]) {
        assert!(is_read && base64(&text) == expected, "{text}");
        let (is_read, text) =
            openssl(&["pkcs12", "-in", "p12", "-nokeys", "-passin", "pass:"]).expect("it was there before");
        assert!(is_read && base64(&text) == expected, "{text}");
    }
    for key in ["http://mitm.it/proxyhost-ca.pem", "http://mitm.it/cert/key"] {
        assert_eq!(asked(proxy.connect().await, key, "mitm.it", "").await.status(), 404);
    }
}

#[tokio::test]
async fn what_was_recorded_is_not_shadowed_and_the_page_can_be_turned_off() {
    let known =
        recording([get("http://mitm.it/").body("recorded"), get("http://proxyhost.local/cert/pem").body("too")]);
    let proxy = Proxyhost::with(["-k"]).replay(&known).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get("http://mitm.it/").await.text(), "recorded");
    assert_eq!(wire.get("http://proxyhost.local/cert/pem").await.text(), "too");

    let origin = Origin::silent().await;
    for flag in ["--no-onboarding", "--config"] {
        let start = match flag {
            "--config" => Proxyhost::with(["-k"]).config("onboarding = false\n"),
            flag => Proxyhost::with(["-k", flag]),
        };
        let proxy = start.replay(&recording([get(origin.url("/"))])).start().await;
        let mut wire = proxy.connect().await;
        wire.send("GET http://mitm.it/ HTTP/1.1\r\nHost: mitm.it\r\n\r\n").await;
        assert_eq!(wire.read_to_end().await, b"", "{flag}");
        let address = proxy.address().to_string();
        assert_eq!(asked(proxy.connect().await, "/", &address, "").await.status(), 400, "{flag}");
    }
}

#[tokio::test]
async fn a_reverse_proxy_has_no_page_and_users_are_asked_for() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()).await;
    let proxy = Proxyhost::with([]).mode(&format!("reverse:http://{}", origin.authority())).start().await;
    assert_eq!(asked(proxy.connect_reverse().await, "/", "mitm.it", "").await.text(), "ok");
    let proxy = Proxyhost::with(["--proxy-auth", "ann:s3cret"]).start().await;
    let address = proxy.address().to_string();
    assert_eq!(asked(proxy.connect().await, "/", &address, "").await.status(), 407);
}

#[test]
fn the_command_prints_the_same() {
    let output = Proxyhost::with(["ca", "--ca-dir", "ca"]).run();
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success());
    for what in
        ["sha-256", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "keytool", "Android", "iOS", "Firefox", "curl --cacert"]
    {
        assert!(said.contains(what), "{what}: {said}");
    }
    assert!(said.contains("proxyhost-ca-cert.pem") && !said.contains("proxyhost-ca.pem"), "{said}");
}
