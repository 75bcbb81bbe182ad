import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Uses keys in the token as a Java program would, and checks each result with Java's own providers. */
public final class Keys {
    private static final byte[] MESSAGE =
            "A message of some length, so that it fills more than one block.".getBytes(StandardCharsets.UTF_8);
    private static final SecureRandom OWN = new SecureRandom();

    private final Provider token;
    private final KeyStore store;
    private final Path folder;
    private final Checks checks = new Checks();

    private Keys(Provider token, KeyStore store, Path folder) {
        this.token = token;
        this.store = store;
        this.folder = folder;
    }

    /** Arguments: the provider's configuration, the PIN, a folder with `ca.pem` and `ca.key`. */
    public static void main(String[] args) throws Exception {
        Provider token = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(token);
        KeyStore store = KeyStore.getInstance("PKCS11", token);
        Keys keys = new Keys(token, store, Path.of(args[2]));
        // Before the login: SunPKCS11 closes a digest's session, and who closes the last session is logged out.
        keys.digests();
        keys.random();
        store.load(null, args[1].toCharArray());
        keys.rsa();
        keys.curves();
        keys.ciphers();
        keys.macs();
        keys.wrapping();
        keys.keyStore();
        System.exit(keys.checks.failed() == 0 ? 0 : 1);
    }

    private void digests() {
        for (String name : new String[] {"SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-512"}) {
            if (token.getService("MessageDigest", name) == null) {
                System.out.println("skip java: digest " + name + " (the module doesn't offer it)");
                continue;
            }
            checks.check("digest " + name, () -> {
                MessageDigest digest = MessageDigest.getInstance(name, token);
                digest.update(MESSAGE, 0, 7);
                digest.update(MESSAGE, 7, MESSAGE.length - 7);
                return Arrays.equals(digest.digest(), MessageDigest.getInstance(name, "SUN").digest(MESSAGE));
            });
        }
    }

    private void random() {
        checks.check("SecureRandom draws different bytes", () -> {
            SecureRandom random = SecureRandom.getInstance("PKCS11", token);
            byte[] one = new byte[32];
            byte[] two = new byte[32];
            random.nextBytes(one);
            random.nextBytes(two);
            return !Arrays.equals(one, two) && !Arrays.equals(one, new byte[32]);
        });
        checks.check("SecureRandom takes a seed", () -> {
            SecureRandom random = SecureRandom.getInstance("PKCS11", token);
            random.setSeed(MESSAGE);
            return random.nextInt() != random.nextInt() || random.nextInt() != random.nextInt();
        });
    }

    /** Makes a pair in the token. */
    private KeyPair generate(String algorithm, AlgorithmParameterSpec spec) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, token);
        generator.initialize(spec);
        return generator.generateKeyPair();
    }

    /** The same public key for Java's own providers. */
    private static PublicKey outside(PublicKey key) throws Exception {
        String provider = key.getAlgorithm().equals("EC") ? "SunEC" : "SunRsaSign";
        return KeyFactory.getInstance(key.getAlgorithm(), provider).generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    /** Signs in the token, verifies there and outside, and refuses a changed message in both. */
    private boolean signs(String algorithm, AlgorithmParameterSpec spec, KeyPair pair, String outsideProvider) throws Exception {
        Signature signer = Signature.getInstance(algorithm, token);
        if (spec != null) {
            signer.setParameter(spec);
        }
        signer.initSign(pair.getPrivate());
        signer.update(MESSAGE, 0, 10);
        signer.update(MESSAGE, 10, MESSAGE.length - 10);
        byte[] signature = signer.sign();
        return verifies(algorithm, spec, outside(pair.getPublic()), signature, Security.getProvider(outsideProvider))
                && verifies(algorithm, spec, pair.getPublic(), signature, token);
    }

    private static boolean verifies(
            String algorithm, AlgorithmParameterSpec spec, PublicKey key, byte[] signature, Provider provider) throws Exception {
        Signature verifier = Signature.getInstance(algorithm, provider);
        if (spec != null) {
            verifier.setParameter(spec);
        }
        verifier.initVerify(key);
        verifier.update(MESSAGE);
        boolean right = verifier.verify(signature);
        verifier.update(new byte[] {1, 2, 3});
        boolean wrong;
        try {
            wrong = verifier.verify(signature);
        } catch (java.security.SignatureException e) {
            wrong = false;
        }
        return right && !wrong;
    }

    private void rsa() throws Exception {
        KeyPair pair = generate("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4));
        checks.check("an RSA private key doesn't leave the token", () -> pair.getPrivate().getEncoded() == null);
        for (String hash : new String[] {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"}) {
            checks.check(hash + "withRSA", () -> signs(hash + "withRSA", null, pair, "SunRsaSign"));
        }
        for (String hash : new String[] {"SHA-1", "SHA-256", "SHA-384", "SHA-512"}) {
            int length = MessageDigest.getInstance(hash).getDigestLength();
            PSSParameterSpec spec = new PSSParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), length, 1);
            checks.check("RSASSA-PSS with " + hash, () -> signs("RSASSA-PSS", spec, pair, "SunRsaSign"));
        }
        checks.check("RSA decrypts what another provider encrypted", () -> {
            Cipher outside = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
            outside.init(Cipher.ENCRYPT_MODE, outside(pair.getPublic()));
            Cipher inside = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
            inside.init(Cipher.DECRYPT_MODE, pair.getPrivate());
            return Arrays.equals(inside.doFinal(outside.doFinal(MESSAGE)), MESSAGE);
        });
        checks.check("RSA encrypts in the token", () -> {
            Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
            cipher.init(Cipher.ENCRYPT_MODE, pair.getPublic());
            byte[] secret = cipher.doFinal(MESSAGE);
            cipher.init(Cipher.DECRYPT_MODE, pair.getPrivate());
            return Arrays.equals(cipher.doFinal(secret), MESSAGE);
        });
        checks.check("an RSA key made outside signs in the token", () -> {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", "SunRsaSign");
            generator.initialize(2048);
            return signs("SHA256withRSA", null, generator.generateKeyPair(), "SunRsaSign");
        });
    }

    private void curves() {
        for (String curve : new String[] {"secp256r1", "secp384r1", "secp521r1"}) {
            checks.check("ECDSA on " + curve, () -> {
                KeyPair pair = generate("EC", new ECGenParameterSpec(curve));
                return signs("SHA256withECDSA", null, pair, "SunEC")
                        && signs("SHA384withECDSA", null, pair, "SunEC")
                        && signs("SHA512withECDSA", null, pair, "SunEC");
            });
            checks.check("ECDSA of a digest on " + curve, () -> {
                KeyPair pair = generate("EC", new ECGenParameterSpec(curve));
                Signature signer = Signature.getInstance("NONEwithECDSA", token);
                signer.initSign(pair.getPrivate());
                signer.update(MessageDigest.getInstance("SHA-256").digest(MESSAGE));
                Signature verifier = Signature.getInstance("SHA256withECDSA", "SunEC");
                verifier.initVerify(outside(pair.getPublic()));
                verifier.update(MESSAGE);
                return verifier.verify(signer.sign());
            });
            checks.check("ECDH on " + curve, () -> {
                KeyPair mine = generate("EC", new ECGenParameterSpec(curve));
                KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
                generator.initialize(new ECGenParameterSpec(curve));
                KeyPair theirs = generator.generateKeyPair();
                KeyAgreement inside = KeyAgreement.getInstance("ECDH", token);
                inside.init(mine.getPrivate());
                inside.doPhase(theirs.getPublic(), true);
                KeyAgreement outside = KeyAgreement.getInstance("ECDH", "SunEC");
                outside.init(theirs.getPrivate());
                outside.doPhase(outside(mine.getPublic()), true);
                return Arrays.equals(inside.generateSecret(), outside.generateSecret());
            });
        }
        checks.check("an EC key made outside signs in the token", () -> {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return signs("SHA256withECDSA", null, generator.generateKeyPair(), "SunEC");
        });
    }

    /** A key for the token and for the outside: the same bytes. */
    private SecretKey imported(byte[] key, String algorithm) throws Exception {
        return SecretKeyFactory.getInstance(algorithm, token).translateKey(new SecretKeySpec(key, algorithm));
    }

    private static byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        OWN.nextBytes(bytes);
        return bytes;
    }

    /** Encrypts in the token, decrypts outside, and the other way round. */
    private boolean bothWays(String transformation, byte[] key, AlgorithmParameterSpec spec, byte[] text) throws Exception {
        SecretKey inToken = imported(key, "AES");
        SecretKey outside = new SecretKeySpec(key, "AES");
        Cipher inside = Cipher.getInstance(transformation, token);
        Cipher plain = Cipher.getInstance(transformation, "SunJCE");
        inside.init(Cipher.ENCRYPT_MODE, inToken, spec);
        plain.init(Cipher.DECRYPT_MODE, outside, spec);
        boolean out = Arrays.equals(plain.doFinal(inside.doFinal(text)), text);
        inside.init(Cipher.DECRYPT_MODE, inToken, spec);
        Cipher again = Cipher.getInstance(transformation, "SunJCE");
        again.init(Cipher.ENCRYPT_MODE, outside, spec);
        return out && Arrays.equals(inside.doFinal(again.doFinal(text)), text);
    }

    private void ciphers() {
        byte[] blocks = Arrays.copyOf(MESSAGE, 48);
        byte[] large = randomBytes(100_000);
        for (int bits : new int[] {128, 192, 256}) {
            byte[] key = randomBytes(bits / 8);
            IvParameterSpec iv = new IvParameterSpec(randomBytes(16));
            checks.check("AES-" + bits + " CBC", () -> bothWays("AES/CBC/NoPadding", key, iv, blocks));
            checks.check("AES-" + bits + " CBC with padding", () -> bothWays("AES/CBC/PKCS5Padding", key, iv, MESSAGE));
            checks.check("AES-" + bits + " CTR", () -> bothWays("AES/CTR/NoPadding", key, iv, MESSAGE));
            checks.check("AES-" + bits + " ECB", () -> bothWays("AES/ECB/NoPadding", key, null, blocks));
            checks.check("AES-" + bits + " GCM",
                    () -> bothWays("AES/GCM/NoPadding", key, new GCMParameterSpec(128, randomBytes(12)), MESSAGE));
            checks.check("AES-" + bits + " GCM of a large message",
                    () -> bothWays("AES/GCM/NoPadding", key, new GCMParameterSpec(96, randomBytes(12)), large));
            checks.check("AES-" + bits + " CBC of a large message, in parts", () -> {
                Cipher inside = Cipher.getInstance("AES/CBC/PKCS5Padding", token);
                inside.init(Cipher.ENCRYPT_MODE, imported(key, "AES"), iv);
                byte[] secret = new byte[large.length + 16];
                int length = 0;
                for (int from = 0; from < large.length; from += 4097) {
                    length += inside.update(large, from, Math.min(4097, large.length - from), secret, length);
                }
                length += inside.doFinal(secret, length);
                Cipher outside = Cipher.getInstance("AES/CBC/PKCS5Padding", "SunJCE");
                outside.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), iv);
                return Arrays.equals(outside.doFinal(secret, 0, length), large);
            });
        }
        checks.check("AES GCM with additional data", () -> {
            byte[] key = randomBytes(32);
            GCMParameterSpec spec = new GCMParameterSpec(128, randomBytes(12));
            Cipher inside = Cipher.getInstance("AES/GCM/NoPadding", token);
            inside.init(Cipher.ENCRYPT_MODE, imported(key, "AES"), spec);
            inside.updateAAD(blocks);
            byte[] secret = inside.doFinal(MESSAGE);
            Cipher outside = Cipher.getInstance("AES/GCM/NoPadding", "SunJCE");
            outside.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), spec);
            outside.updateAAD(blocks);
            return Arrays.equals(outside.doFinal(secret), MESSAGE);
        });
        checks.check("AES GCM refuses a changed message", () -> {
            byte[] key = randomBytes(32);
            GCMParameterSpec spec = new GCMParameterSpec(128, randomBytes(12));
            Cipher inside = Cipher.getInstance("AES/GCM/NoPadding", token);
            inside.init(Cipher.ENCRYPT_MODE, imported(key, "AES"), spec);
            byte[] secret = inside.doFinal(MESSAGE);
            secret[3] ^= 1;
            inside.init(Cipher.DECRYPT_MODE, imported(key, "AES"), spec);
            try {
                inside.doFinal(secret);
                return false;
            } catch (AEADBadTagException e) {
                return true;
            }
        });
        checks.check("an AES key made in the token encrypts", () -> {
            KeyGenerator generator = KeyGenerator.getInstance("AES", token);
            generator.init(256);
            SecretKey key = generator.generateKey();
            GCMParameterSpec spec = new GCMParameterSpec(128, randomBytes(12));
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", token);
            cipher.init(Cipher.ENCRYPT_MODE, key, spec);
            byte[] secret = cipher.doFinal(MESSAGE);
            cipher.init(Cipher.DECRYPT_MODE, key, spec);
            return Arrays.equals(cipher.doFinal(secret), MESSAGE);
        });
    }

    private void macs() {
        for (String name : new String[] {"HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512"}) {
            for (int length : new int[] {1, 16, 64, 200}) {
                checks.check(name + " with a key of " + length + " bytes", () -> {
                    byte[] key = randomBytes(length);
                    Mac inside = Mac.getInstance(name, token);
                    inside.init(new SecretKeySpec(key, name)); // the provider imports it
                    inside.update(MESSAGE, 0, 5);
                    inside.update(MESSAGE, 5, MESSAGE.length - 5);
                    Mac outside = Mac.getInstance(name, "SunJCE");
                    outside.init(new SecretKeySpec(key, name));
                    return Arrays.equals(inside.doFinal(), outside.doFinal(MESSAGE));
                });
            }
        }
    }

    private void wrapping() throws Exception {
        KeyPair pair = generate("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4));
        byte[] key = randomBytes(32);
        checks.check("RSA unwraps a key that another provider wrapped", () -> {
            Cipher outside = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
            outside.init(Cipher.WRAP_MODE, outside(pair.getPublic()));
            byte[] wrapped = outside.wrap(new SecretKeySpec(key, "AES"));
            Cipher inside = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
            inside.init(Cipher.UNWRAP_MODE, pair.getPrivate());
            SecretKey unwrapped = (SecretKey) inside.unwrap(wrapped, "AES", Cipher.SECRET_KEY);
            return sameKey(unwrapped, key);
        });
        checks.check("RSA wraps a key of the token", () -> {
            Cipher inside = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
            inside.init(Cipher.WRAP_MODE, pair.getPublic());
            byte[] wrapped = inside.wrap(imported(key, "AES"));
            inside.init(Cipher.UNWRAP_MODE, pair.getPrivate());
            return sameKey((SecretKey) inside.unwrap(wrapped, "AES", Cipher.SECRET_KEY), key);
        });
    }

    /** Whether a key in the token encrypts as these bytes do. */
    private boolean sameKey(SecretKey inToken, byte[] key) throws Exception {
        Cipher inside = Cipher.getInstance("AES/ECB/NoPadding", token);
        inside.init(Cipher.ENCRYPT_MODE, inToken);
        Cipher outside = Cipher.getInstance("AES/ECB/NoPadding", "SunJCE");
        outside.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
        byte[] block = randomBytes(16);
        return Arrays.equals(inside.doFinal(block), outside.doFinal(block));
    }

    /** A certificate for that key by the authority in the folder, and the authority's own. */
    private Certificate[] issue(PublicKey key, String name) throws Exception {
        String encoded = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
        Path pem = folder.resolve(name + ".pub");
        Files.writeString(pem, "-----BEGIN PUBLIC KEY-----\n" + encoded + "\n-----END PUBLIC KEY-----\n");
        Process process = new ProcessBuilder("openssl", "x509", "-new", "-force_pubkey", pem.toString(), "-subj", "/CN=" + name,
                "-CA", folder.resolve("ca.pem").toString(), "-CAkey", folder.resolve("ca.key").toString(), "-days", "2",
                "-set_serial", BigInteger.valueOf(OWN.nextInt(1 << 30)).toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        byte[] leaf = process.getInputStream().readAllBytes();
        if (process.waitFor() != 0) {
            throw new IllegalStateException("openssl issues no certificate");
        }
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Collection<? extends Certificate> root = factory.generateCertificates(Files.newInputStream(folder.resolve("ca.pem")));
        return new Certificate[] {factory.generateCertificate(new ByteArrayInputStream(leaf)), root.iterator().next()};
    }

    private void keyStore() {
        checks.check("the key store lists what keytool made", () -> Collections.list(store.aliases()).contains("key-RSA"));
        checks.check("a key of the key store signs", () -> {
            PrivateKey key = (PrivateKey) store.getKey("key-RSA", null);
            PublicKey open = store.getCertificate("key-RSA").getPublicKey();
            return signs("SHA256withRSA", null, new KeyPair(open, key), "SunRsaSign");
        });
        for (String algorithm : new String[] {"RSA", "EC"}) {
            String alias = "stored-" + algorithm;
            checks.check("an " + algorithm + " key and its certificate chain are stored", () -> {
                KeyPair pair = algorithm.equals("RSA")
                        ? generate("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4))
                        : generate("EC", new ECGenParameterSpec("secp256r1"));
                store.setKeyEntry(alias, pair.getPrivate(), null, issue(pair.getPublic(), alias));
                store.store(null, null);
                return store.isKeyEntry(alias) && store.getCertificateChain(alias).length == 2;
            });
            checks.check("another look at the token finds the " + algorithm + " key", () -> {
                KeyStore again = KeyStore.getInstance("PKCS11", token);
                again.load(null, null);
                Key key = again.getKey(alias, null);
                PublicKey open = again.getCertificateChain(alias)[0].getPublicKey();
                String signature = algorithm.equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
                String outside = algorithm.equals("RSA") ? "SunRsaSign" : "SunEC";
                return signs(signature, null, new KeyPair(open, (PrivateKey) key), outside);
            });
        }
        checks.check("a private key made outside is stored", () -> {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", "SunRsaSign");
            generator.initialize(2048);
            KeyPair pair = generator.generateKeyPair();
            store.setKeyEntry("imported", pair.getPrivate(), null, issue(pair.getPublic(), "imported"));
            PrivateKey key = (PrivateKey) store.getKey("imported", null);
            return signs("SHA256withRSA", null, new KeyPair(pair.getPublic(), key), "SunRsaSign");
        });
        checks.check("a secret key is stored", () -> {
            byte[] key = randomBytes(32);
            store.setKeyEntry("secret", new SecretKeySpec(key, "AES"), null, null);
            return sameKey((SecretKey) store.getKey("secret", null), key);
        });
        checks.check("a trusted certificate is found", () -> {
            Certificate leaf = store.getCertificate("stored-RSA");
            return "stored-RSA".equals(store.getCertificateAlias(leaf));
        });
        checks.check("entries are deleted", () -> {
            for (String alias : new String[] {"stored-RSA", "stored-EC", "imported", "secret"}) {
                store.deleteEntry(alias);
            }
            return !store.containsAlias("stored-RSA") && !store.containsAlias("secret");
        });
    }
}
