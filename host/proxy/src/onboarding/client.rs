//! Who asks, as far as a `User-Agent` tells.

/// The clients of the guide that this may be, the likeliest first.
pub(super) fn detected(agent: &str) -> Vec<&'static str> {
    let system = find(SYSTEMS, agent);
    // There, all programs ask the system.
    if let Some(mobile) = system.filter(|system| matches!(*system, "ios" | "android")) {
        return vec![mobile];
    }
    let program = find(PROGRAMS, agent);
    // Elsewhere, it asks the system.
    let program = program.filter(|program| *program != "chromium" || system == Some("linux"));
    program.into_iter().chain(system).collect()
}

/// Whether it is a program on an iPhone or an iPad.
pub(super) fn is_ios(agent: &str) -> bool {
    find(SYSTEMS, agent) == Some("ios")
}

fn find(known: &[(&'static str, &[&str])], agent: &str) -> Option<&'static str> {
    let known = known.iter().find(|(_, words)| words.iter().any(|word| agent.contains(word)));
    known.map(|(id, _)| *id)
}

/// What systems are called. One that others claim to be like comes after them.
const SYSTEMS: &[(&str, &[&str])] = &[
    ("ios", &["iPhone", "iPad", "iPod"]),
    ("android", &["Android"]),
    ("windows", &["Windows"]),
    ("macos", &["Macintosh", "Mac OS X", "Darwin"]),
    ("linux", &["Linux", "X11", "Ubuntu", "Debian"]),
];

const PROGRAMS: &[(&str, &[&str])] = &[
    ("firefox", &["Firefox/"]),
    ("chromium", &["Chrome/", "Chromium/"]),
    ("curl", &["curl/"]),
    ("python", &["python", "Python", "aiohttp/"]),
    ("node", &["node", "undici", "axios/", "Bun/", "Deno/"]),
    ("java", &["Java/", "Java-http-client", "okhttp/", "Apache-HttpClient"]),
    ("git", &["git/"]),
    ("programs", &["Go-http-client", "Wget/", "Ruby", "PHP", "libwww-perl"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_or_the_program_is_told_by_its_name() {
        let cases: &[(&str, &[&str])] = &[
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", &["ios"]),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
                &["android"],
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", &["windows"]),
            ("Mozilla/5.0 (Windows NT 10.0; rv:121.0) Gecko/20100101 Firefox/121.0", &["firefox", "windows"]),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15", &["macos"]),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", &["chromium", "linux"]),
            ("curl/8.5.0", &["curl"]),
            ("python-requests/2.31.0", &["python"]),
            ("node", &["node"]),
            ("Java/21.0.1", &["java"]),
            ("Go-http-client/1.1", &["programs"]),
            ("", &[]),
        ];
        for (agent, expected) in cases {
            assert_eq!(detected(agent), *expected, "{agent}");
        }
    }

    #[test]
    fn who_is_told_is_in_the_guide() {
        for (id, _) in SYSTEMS.iter().chain(PROGRAMS) {
            assert!(super::super::guide::CLIENTS.iter().any(|client| client.id == *id), "{id}");
        }
    }
}
