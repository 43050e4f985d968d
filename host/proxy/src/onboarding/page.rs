//! The guide for browsers.

use std::fmt::Write;

use super::guide::{CLIENTS, Client, Facts};

/// What the files are called that are given out, without their endings.
pub(super) const FILE: &str = "proxyhost-ca-cert";

/// The page, with what concerns the clients of these names first.
pub(super) fn of(facts: &Facts, detected: &[&str]) -> String {
    let mut page = HEAD.to_owned();
    let known = |id: &&str| CLIENTS.iter().find(|client| client.id == *id);
    let first: Vec<&Client> = detected.iter().filter_map(known).collect();
    let others = CLIENTS.iter().filter(|client| !detected.contains(&client.id));
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<p>Clients must trust this certificate before their HTTPS traffic can be read by the proxy. Remove it where it is no \
         longer needed.</p>\n{FILES}<dl><dt>SHA-256</dt><dd><code>{}</code></dd><dt>valid until</dt><dd>{}</dd></dl>\n",
        escaped(&facts.fingerprint),
        escaped(&facts.expiry)
    );
    if !first.is_empty() {
        page.push_str("<h2>Here</h2>\n");
        first.into_iter().for_each(|client| section(&mut page, client));
        page.push_str("<h2>Elsewhere</h2>\n");
    }
    others.for_each(|client| section(&mut page, client));
    page.push_str("</main></body></html>\n");
    page
}

fn section(page: &mut String, client: &Client) {
    let _ = writeln!(page, "<section id=\"{}\"><h3>{}</h3>", client.id, escaped(client.name));
    for step in client.steps {
        let step = step.replace("{file}", &format!("{FILE}.pem"));
        let _ = match step.strip_prefix("$ ") {
            Some(command) => writeln!(page, "<pre>{}</pre>", escaped(command)),
            None => writeln!(page, "<p>{}</p>", escaped(&step)),
        };
    }
    page.push_str("</section>\n");
}

/// A text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HEAD: &str = "\
<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>proxyhost: the certificate authority</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #222; background: #fff }
main { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
pre { background: #f2f2f2; padding: .5rem; overflow-x: auto }
code { overflow-wrap: anywhere }
.files a { display: inline-block; margin: 0 .5rem .5rem 0; padding: .4rem .8rem; border: 1px solid #888; border-radius: .3rem }
dt { font-weight: bold }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } pre { background: #2b2b2b } a { color: #8bf } }
</style></head><body><main>
<h1>The certificate of proxyhost</h1>
";

const FILES: &str = "\
<p class=\"files\"><a href=\"/cert/pem\">PEM</a><a href=\"/cert/cer\">DER (.cer)</a><a href=\"/cert/p12\">PKCS#12 (.p12)</a></p>
<p>PEM is for Linux, macOS, iOS and most programs, DER for Windows and Android, PKCS#12 for what takes neither; it has no \
password, and no key in it.</p>
";

#[cfg(test)]
mod tests {
    use super::*;

    fn page(detected: &[&str]) -> String {
        of(&Facts { fingerprint: "AB".to_owned(), expiry: "2030-01-01".to_owned() }, detected)
    }

    #[test]
    fn what_concerns_the_client_comes_first() {
        let at = |page: &str, id: &str| page.find(&format!("<section id=\"{id}\">")).unwrap();
        let shown = page(&["firefox", "linux"]);
        assert!(at(&shown, "firefox") < at(&shown, "linux") && at(&shown, "linux") < at(&shown, "windows"));
        assert_eq!(shown.matches("<section").count(), CLIENTS.len());
        assert!(!page(&[]).contains("<h2>"));
    }

    #[test]
    fn texts_are_escaped() {
        let shown = page(&[]);
        assert!(shown.contains("&lt;certificates src=&quot;user&quot;/&gt;") && !shown.contains("{file}"));
    }
}
