import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A running proxy. The environment variable PROXYHOST names the program if it is not on PATH. */
final class Proxy {
    private static final String PROGRAM = System.getenv().getOrDefault("PROXYHOST", "proxyhost");
    private static final String SESSION = "x-test-session";

    private final Path folder;
    private final Process process;
    private final String control;
    private final HttpClient client;

    Proxy(Path recording) throws Exception {
        folder = Files.createTempDirectory("proxyhost");
        Path ready = folder.resolve("ready.json");
        process = new ProcessBuilder(PROGRAM, "-q", "--listen", "0", "--control", "0", "--ready-file", ready.toString(),
                "--ca-dir", folder.resolve("ca").toString(), "--session-field", SESSION, "-S",
                recording.toAbsolutePath().toString(), "--server-replay-extra", "404", "--fail-on", "miss", "--report",
                folder.resolve("report.xml").toString()).directory(folder.toFile()).inheritIO().start();
        long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (!Files.exists(ready)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IllegalStateException("proxyhost did not start");
            }
            Thread.sleep(10);
        }
        String where = Files.readString(ready);
        String[] address = find("\"address\":\"([^\"]*)\"", where).split(":");
        control = find("\"control\":\"([^\"]*)\"", where);
        ProxySelector selector = ProxySelector.of(new InetSocketAddress(address[0], Integer.parseInt(address[1])));
        client = HttpClient.newBuilder().proxy(selector).build();
    }

    /** The answer that a session gets: recorded answers are used up in each session apart from others. */
    HttpResponse<String> get(String session, String url) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).header(SESSION, session).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** Forgets what a session used and missed. */
    void reset(String session) throws Exception {
        ctl("reset", "--session", session);
    }

    /** What came of the requests of a session, for people. */
    String report(String session) throws Exception {
        return ctl("report", "--session", session);
    }

    /** Stops it. Its exit code: 3 if a request was missed that was not forgotten. */
    int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(1, TimeUnit.MINUTES)) {
            process.destroyForcibly();
        }
        return process.waitFor();
    }

    private String ctl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(PROGRAM, "ctl", "--control", control));
        command.addAll(List.of(arguments));
        Process ran = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(ran.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (ran.waitFor() != 0) {
            throw new IOException(said);
        }
        return said;
    }

    private static String find(String pattern, String text) {
        Matcher found = Pattern.compile(pattern).matcher(text);
        if (!found.find()) {
            throw new IllegalStateException(text);
        }
        return found.group(1);
    }
}
