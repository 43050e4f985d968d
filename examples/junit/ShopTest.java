import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** Tests of a client of shop.example, which does not exist: recorded answers stand in its place. They run in parallel. */
class ShopTest {
    private static final String ORDER = "http://shop.example/api/orders/1042";

    private static Proxy proxy;

    @BeforeAll
    static void start() throws Exception {
        proxy = new Proxy(Path.of("../shop.mitm"));
    }

    @AfterAll
    static void stop() throws Exception {
        assertEquals(0, proxy.stop(), "the exit code of proxyhost");
    }

    @Test
    void anOrderIsFound(TestInfo test) throws Exception {
        var answer = proxy.get(session(test), ORDER);
        assertEquals("{\"id\": 1042, \"state\": \"shipped\", \"total\": 6980}", answer.body().strip());
    }

    @Test
    void anotherTestFindsItToo(TestInfo test) throws Exception {
        assertEquals(200, proxy.get(session(test), ORDER).statusCode());
        assertTrue(proxy.report(session(test)).contains("1 request: 1 replayed, 0 missed"));
    }

    @Test
    void afterAResetAllBeginsAnew(TestInfo test) throws Exception {
        String session = session(test);
        assertEquals(200, proxy.get(session, ORDER).statusCode());
        // Each recorded answer is given once.
        assertEquals(404, proxy.get(session, ORDER).statusCode());
        proxy.reset(session);
        assertEquals(200, proxy.get(session, ORDER).statusCode());
    }

    private static String session(TestInfo test) {
        return test.getTestMethod().orElseThrow().getName();
    }
}
