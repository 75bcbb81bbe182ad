import java.util.Arrays;

/** Runs checks and prints a line for each, as the other tests do. */
final class Checks {
    /** A step that may throw anything: that is a failed check. */
    interface Step {
        boolean run() throws Exception;
    }

    private int failed;

    /** Prints whether the step was right. */
    void check(String name, Step step) {
        String reason;
        try {
            if (step.run()) {
                System.out.println("ok   java: " + name);
                return;
            }
            reason = "the result is wrong";
        } catch (Exception e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            StackTraceElement where = Arrays.stream(e.getStackTrace())
                    .filter(frame -> frame.getFileName() != null && frame.getFileName().equals("Keys.java"))
                    .findFirst()
                    .orElse(e.getStackTrace()[0]);
            reason = e + ", because of " + cause + ", at " + where;
        }
        failed++;
        System.out.println("FAIL java: " + name + " (" + reason + ")");
    }

    int failed() {
        return failed;
    }
}
