import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;

/**
 * Makes a key pair in a token through SunPKCS11, signs with it and verifies.
 *
 * <pre>java Sign.java /path/to/libcloister.so &lt;slot number&gt; &lt;PIN&gt;</pre>
 */
public final class Sign {
    public static void main(String[] args) throws Exception {
        if (args.length != 3) {
            System.err.println("usage: java Sign.java MODULE SLOT PIN");
            System.exit(2);
        }
        // The provider's configuration: usually a file that is kept, here one that is made for this run.
        Path configuration = Files.createTempFile("cloister", ".cfg");
        Files.writeString(configuration, "name = Cloister\nlibrary = " + args[0] + "\nslot = " + args[1] + "\n");
        Provider token = Security.getProvider("SunPKCS11").configure(configuration.toString());
        Files.delete(configuration);
        Security.addProvider(token);
        KeyStore store = KeyStore.getInstance("PKCS11", token);
        store.load(null, args[2].toCharArray()); // logs in

        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", token);
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair pair = generator.generateKeyPair();

        byte[] message = "Signed from Java.".getBytes();
        Signature signer = Signature.getInstance("SHA256withECDSA", token);
        signer.initSign(pair.getPrivate());
        signer.update(message);
        byte[] signature = signer.sign();
        System.out.println("signature of " + signature.length + " bytes");

        Signature verifier = Signature.getInstance("SHA256withECDSA", token);
        verifier.initVerify(pair.getPublic());
        verifier.update(message);
        if (!verifier.verify(signature)) {
            throw new IllegalStateException("the signature is wrong");
        }
        System.out.println("verified");
        System.out.println("the private key's bytes: " + pair.getPrivate().getEncoded());
    }
}
