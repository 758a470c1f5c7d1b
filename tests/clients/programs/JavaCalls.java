// What Java's own clients get, by both of them. Prints JSON, a line each.
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class JavaCalls {
    static final String PATH = "://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKJAVA";

    public static void main(String[] arguments) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("https" + PATH)).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.print(answer.body());
        for (String scheme : new String[] {"https", "http"}) {
            HttpURLConnection connection = (HttpURLConnection) URI.create(scheme + PATH).toURL().openConnection();
            System.out.print(new String(connection.getInputStream().readAllBytes()));
        }
    }
}
