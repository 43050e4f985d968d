//! Flags that are given several times, and those of mitmproxy.

use crate::harness::{Origin, Proxyhost};

#[tokio::test]
async fn several_addresses_are_listened_on() {
    let proxy = Proxyhost::with(["--listen", "127.0.0.1:0"]).listeners(2).start().await;
    let said: Vec<String> =
        proxy.log().lines().filter(|line| line.contains("listening on")).map(str::to_owned).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    let said = Proxyhost::with(["--listen", "127.0.0.1:4000", "--listen", "127.0.0.1:4000"]).refusal();
    assert!(said.contains("`regular` listens on 127.0.0.1:4000 already"), "{said}");
}

#[tokio::test]
async fn flags_of_mitmproxy_work_or_have_a_sentence() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()).await;
    let url = format!("http://{}@0", origin.authority());
    let next = format!("http://{}", origin.authority());
    let upstream = format!("{next}@0");
    let proxy =
        Proxyhost::with(["-m", "regular@0", "-R", &url, "--ssl-insecure", "--confdir", "conf", "-U", &upstream]);
    let proxy = proxy.listeners(3).start().await;
    proxy.wait_for_log(&format!("proxy by way of {next} listening on")).await;
    proxy.wait_for_log("upstream certificates are not verified").await;
    assert_eq!(proxy.connect_reverse().await.ask("GET", "/", "x.example", &[], b"").await.text(), "ok");
    assert!(proxy.folder().join("conf/proxyhost-ca-cert.pem").exists());
    let good = Proxyhost::with(["check", "-p", "4711", "--listen-host", "127.0.0.2"]).run();
    assert!(String::from_utf8_lossy(&good.stdout).contains("listener 127.0.0.2:4711: ok"), "{good:?}");
    for (flags, what) in [
        (&["-r", "x.mitm"][..], "`proxyhost flows list FILE`"),
        (&["-n"], "`proxyhost flows`"),
        (&["-nr", "x.mitm"], "`proxyhost flows`"),
        (&["--certs", "x.pem"], "`--ca-dir DIR`"),
        (&["-s", "x.py"], "`--addon FILE`"),
        (&["--map-local=x"], "addon"),
        (&["--set", "ssl_insecure=true"], "`--insecure`"),
        (&["--set", "listen_port=1"], "`--listen [HOST:]PORT`"),
    ] {
        let said = Proxyhost::with(flags.iter().copied()).refusal();
        assert!(said.contains(what) && said.matches('\n').count() == 1, "{flags:?}: {said}");
    }
}
