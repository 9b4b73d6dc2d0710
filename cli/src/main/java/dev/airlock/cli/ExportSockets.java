package dev.airlock.cli;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.StreamListener;
import java.net.InetAddress;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where an export's clients connect, and what that is called. For one thread. */
final class ExportSockets {
    private static final int MODE = 0600;
    private static final int BACKLOG = 128;

    /** {@code systemd/sd-daemon.h}, SD_LISTEN_FDS_START. */
    private static final int FIRST_INHERITED = 3;

    private static final int INHERITED_MAX = 64;
    private static final int PORT_MAX = 65_535;

    private final @Nullable Path socket;
    private final @Nullable InetAddress address;
    private final int port;
    private final int inherited;
    private final List<String> places = new ArrayList<>();
    private int boundPort;

    private ExportSockets(
            @Nullable Path socket, @Nullable InetAddress address, int port, int inherited) {
        this.socket = socket;
        this.address = address;
        this.port = port;
        this.inherited = inherited;
    }

    /**
     * From the command line and the environment.
     *
     * @param scratch where to put a socket when nothing else is asked for; null when that is an
     *     error
     */
    static ExportSockets of(
            @Nullable Path socket, @Nullable String tcp, @Nullable ScratchFolder scratch) {
        int inherited = inherited(System.getenv());
        if (inherited > 0 && (socket != null || tcp != null)) {
            throw CommandFailure.usage(
                    "with socket activation neither --socket nor --tcp is for us");
        }
        if (socket != null && tcp != null) {
            throw CommandFailure.usage("give --socket or --tcp, not both");
        }
        if (tcp != null) {
            return ofTcp(tcp);
        }
        Path path = socket;
        if (path == null && inherited == 0) {
            if (scratch == null) {
                throw CommandFailure.usage("where shall clients connect? Give --socket or --tcp");
            }
            path = scratch.path("nbd.sock");
        }
        return new ExportSockets(path, null, 0, inherited);
    }

    /** Descriptors that systemd has opened for this very process. */
    static int inherited(Map<String, String> environment) {
        String pid = Long.toString(ProcessHandle.current().pid());
        if (!pid.equals(environment.get("LISTEN_PID"))) {
            return 0;
        }
        try {
            int count = Integer.parseInt(environment.getOrDefault("LISTEN_FDS", ""));
            if (count >= 1 && count <= INHERITED_MAX) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Told below.
        }
        throw CommandFailure.usage("LISTEN_FDS must be a number from 1 to " + INHERITED_MAX);
    }

    private static ExportSockets ofTcp(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        int port;
        try {
            port = Integer.parseInt(text.substring(colon + 1));
        } catch (NumberFormatException e) {
            port = -1;
        }
        if (port < 0 || port > PORT_MAX) {
            throw CommandFailure.usage("--tcp is [HOST:]PORT, with a port up to 65535: " + text);
        }
        try {
            InetAddress address =
                    host.isEmpty() ? InetAddress.getLoopbackAddress() : InetAddress.getByName(host);
            return new ExportSockets(null, address, port, 0);
        } catch (UnknownHostException e) {
            throw CommandFailure.usage("--tcp: no such host: " + host);
        }
    }

    /** Opens them; clients can connect from then on. */
    List<StreamListener> listen() throws LinuxException {
        List<StreamListener> listeners = new ArrayList<>();
        Path path = socket;
        InetAddress host = address;
        if (path != null) {
            listeners.add(StreamListener.listen(path, MODE, BACKLOG));
            places.add(path.toString());
        } else if (host != null) {
            StreamListener listener = StreamListener.listen(host, port, BACKLOG);
            boundPort = listener.port();
            listeners.add(listener);
            places.add(hostText(host) + ":" + boundPort);
        }
        for (int i = 0; i < inherited; i++) {
            listeners.add(StreamListener.adopt(FIRST_INHERITED + i));
            places.add("fd " + (FIRST_INHERITED + i));
        }
        return listeners;
    }

    /** What to call each of them in messages. */
    List<String> places() {
        return places;
    }

    /**
     * A shell command that finds the default export in {@code $uri}, as nbdkit does.
     *
     * @param uri of the default export
     */
    ProcessBuilder shell(String command, String uri) {
        ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", command).inheritIO();
        Map<String, String> environment = builder.environment();
        environment.remove("LISTEN_FDS");
        environment.remove("LISTEN_PID");
        environment.put("uri", uri);
        environment.put("unixsocket", socket == null ? "" : socket.toString());
        environment.put("port", socket != null ? "" : Integer.toString(boundPort));
        return builder;
    }

    /**
     * The default export's URI; empty on inherited sockets.
     *
     * @param scheme "nbd", or "nbds" when clients must use TLS
     * @param user whom clients shall say they are; empty for nobody
     * @param keys the file of pre-shared keys; empty for none
     */
    String uri(String scheme, String user, String keys) {
        String who = user.isEmpty() ? "" : encoded(user) + "@";
        String keysParameter = keys.isEmpty() ? "" : "tls-psk-file=" + encoded(keys);
        Path path = socket;
        if (path != null) {
            String where = encoded(path.toAbsolutePath().toString());
            String more = keysParameter.isEmpty() ? "" : "&" + keysParameter;
            return scheme + "+unix://" + who + "/?socket=" + where + more;
        }
        InetAddress host = address;
        if (host == null) {
            return "";
        }
        String more = keysParameter.isEmpty() ? "" : "?" + keysParameter;
        return scheme + "://" + who + hostText(host) + ":" + boundPort + "/" + more;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("%2F", "/");
    }

    private static String hostText(InetAddress host) {
        String text = host.getHostAddress();
        return text.indexOf(':') < 0 ? text : "[" + text + "]";
    }
}
