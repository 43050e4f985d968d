//! What does here what flags and options of mitmproxy do there that have another name, or no place.

/// What to do instead of using a flag of mitmproxy's, in a sentence.
pub(super) fn instead_of_flag(flag: &str) -> Option<&'static str> {
    find(FLAGS, flag)
}

/// What to do instead of setting an option of mitmproxy's, in a sentence.
pub(super) fn instead_of_option(name: &str) -> Option<&'static str> {
    find(OPTIONS, name).or_else(|| instead_of_flag(&format!("--{}", name.replace('_', "-"))))
}

type Sentences = &'static [(&'static [&'static str], &'static str)];

fn find(sentences: Sentences, word: &str) -> Option<&'static str> {
    sentences.iter().find(|(words, _)| words.contains(&word)).map(|(_, sentence)| *sentence)
}

const FLAGS: Sentences = &[
    (
        &["-r", "--rfile", "--read-flows"],
        "`proxyhost flows list FILE` shows what a recording holds, and `-S FILE` replays it",
    ),
    (
        &["-n", "--no-server", "--server"],
        "`proxyhost flows` works on recordings without a proxy: list, show, filter, convert, merge and others",
    ),
    (
        &["-C", "--client-replay"],
        "requests are not sent again from here; `proxyhost flows list --json FILE` says them to a script that sends them",
    ),
    (
        &["--certs", "--cert", "--cert-passphrase"],
        "certificates are made for each host by the authority in `--ca-dir DIR`, which may be one of yours or mitmproxy's",
    ),
    (&["--no-ssl-insecure"], "certificates of servers are verified unless `--insecure` is given"),
    (&["--no-anticache", "--no-anticomp"], "it is so unless the flag without `no` is given"),
    (
        &["-s", "--scripts", "--script"],
        "scripts are addons, which are WebAssembly components: load one by `--addon FILE`",
    ),
    (&["-T", "--transparent"], "the mode says how clients come: `--mode transparent`"),
    (&["--socks"], "the mode says how clients come: `--mode socks5`"),
    (
        &["--tcp-hosts", "--tcp"],
        "what is inside a tunnel and is neither TLS nor HTTP is passed on untouched, for all hosts",
    ),
    (
        &["--rawtcp", "--no-rawtcp", "--raw-tcp"],
        "what is inside a tunnel and is neither TLS nor HTTP is passed on untouched, without a flag",
    ),
    (&["--http2", "--no-http2"], "HTTP/1.1 and HTTP/2 are both served, as the client chooses"),
    (&["--websocket", "--no-websocket"], "WebSockets are passed on, recorded and replayed without a flag"),
    (&["--flow-detail"], "`-v` says more of each flow, and `proxyhost flows show FILE N` all of one"),
    (&["--showhost", "--no-showhost"], "the log shows the host that a request names, without a flag"),
    (&["--show-ignored-hosts", "--no-show-ignored-hosts"], "`-v` says more of each connection"),
    (
        &["--stickycookie", "--stickyauth"],
        "an addon can keep cookies and credentials: see `addons/README.md`, and load it by `--addon FILE`",
    ),
    (
        &[
            "-B",
            "--modify-body",
            "-H",
            "--modify-headers",
            "-M",
            "--map-remote",
            "--map-local",
            "--replacements",
            "--setheaders",
        ],
        "an addon changes what passes: see `addons/README.md`, and load it by `--addon FILE`",
    ),
    (&["--options", "--commands"], "`proxyhost addons` lists options and commands"),
    (&["--intercept", "--view-filter"], "`--console` shows what passes, and filters it by `f`"),
    (
        &["--web-host", "--web-port", "--web-open-browser", "--no-web-open-browser"],
        "`--console` shows on the terminal what passes, and `--control [HOST:]PORT` is for HTTP",
    ),
    (
        &["--console-layout", "--console-layout-headers", "--no-console-layout-headers"],
        "`--console` divides the terminal by its size",
    ),
    (
        &["--store-streamed-bodies", "--no-store-streamed-bodies"],
        "bodies are recorded whole as they pass, by `-w FILE`",
    ),
    (
        &["--stream", "--stream-large-bodies", "--body-size-limit"],
        "bodies are passed on as they come, whatever their size",
    ),
    (
        &["--keepserving", "--no-keepserving"],
        "it serves until it is stopped, or with `--exit-when-used` until all was served",
    ),
    (&["--replay-kill-extra-server"], "`-k` kills requests that no recording answers"),
    (&["--cadir"], "the folder of the certificate authority is `--ca-dir DIR`"),
];

const OPTIONS: Sentences = &[
    (&["ssl_insecure"], "`--insecure` accepts any certificate of a server"),
    (&["confdir"], "`--ca-dir DIR` names the folder of the certificate authority"),
    (&["listen_host", "listen_port"], "`--listen [HOST:]PORT` says where to listen"),
    (&["mode"], "`--mode SPEC` says how clients come"),
    (&["ignore_hosts", "allow_hosts", "upstream_auth"], "it is a flag, or a key of the configuration file"),
    (&["proxyauth"], "`--proxy-auth NAME:PASSWORD` or `--proxy-auth-file FILE` says who may use the proxy"),
    (
        &["ssl_verify_upstream_trusted_ca", "ssl_verify_upstream_trusted_confdir"],
        "`--upstream-ca FILE` trusts further certificates of servers",
    ),
    (&["keep_host_header"], "`--fidelity` leaves the host of requests as it came"),
    (&["connection_strategy"], "a connection to a server is made when a request needs one"),
    (&["onboarding", "onboarding_host"], "`--no-onboarding` turns the page with the certificates off"),
    (&["termlog_verbosity", "flow_detail"], "`-v` says more, and `-q` errors only"),
    (&["hardump"], "`-w FILE.har` records to a HAR file"),
    (&["validate_inbound_headers"], "requests that break HTTP are refused"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_options_of_mitmproxy_have_a_sentence() {
        for flag in ["-r", "-n", "--certs", "-s", "--map-remote", "--client-replay"] {
            assert!(instead_of_flag(flag).is_some(), "{flag}");
        }
        for option in ["ssl_insecure", "confdir", "rfile", "map_local", "listen_port"] {
            assert!(instead_of_option(option).is_some(), "{option}");
        }
        assert_eq!((instead_of_flag("--bogus"), instead_of_option("bogus")), (None, None));
    }

    #[test]
    fn no_word_has_two_sentences() {
        for sentences in [FLAGS, OPTIONS] {
            let mut words: Vec<&str> = sentences.iter().flat_map(|(words, _)| *words).copied().collect();
            let count = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), count);
        }
    }
}
