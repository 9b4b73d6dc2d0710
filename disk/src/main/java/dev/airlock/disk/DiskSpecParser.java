package dev.airlock.disk;

import dev.airlock.disk.DiskSpec.Source;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads one DISK argument; see {@link DiskSpec} for the grammar. Single use, single-threaded. */
final class DiskSpecParser {
    private static final Pattern PREFIX = Pattern.compile("([a-z][a-z0-9]+):");
    private static final String OPTIONS = "ro, direct, sector=512|4096, snapshot, shared, name=N";
    private static final int NAME_CHARS_MAX = 255;

    private final String text;
    private final Set<String> seen = new HashSet<>();
    private Source source = Source.FILE;
    private boolean readOnly;
    private boolean direct;
    private boolean snapshot;
    private boolean shared;
    private int sectorBytes = Disk.DEFAULT_SECTOR_BYTES;
    private @Nullable String name;

    DiskSpecParser(String text) {
        this.text = text;
    }

    DiskSpec parse() throws DiskSpecException {
        List<String> words = splitAtCommas(text);
        String target = takePrefix(words.getFirst());
        for (String option : words.subList(1, words.size())) {
            takeOption(option);
        }
        if (target.isEmpty()) {
            throw refusal(
                    source.isFile()
                            ? "names no file"
                            : "names no size: write it like " + source.prefix() + "64G");
        }
        checkCombinations();
        return source.isFile() ? fileSpec(target) : sizedSpec(target);
    }

    private DiskSpec fileSpec(String target) throws DiskSpecException {
        Path path;
        try {
            path = Path.of(target);
        } catch (InvalidPathException e) {
            throw new DiskSpecException(
                    "disk=" + text + " has a path that cannot exist: " + e.getReason(), e);
        }
        Path fileName = path.getFileName();
        String diskName =
                name != null ? name : fileName == null ? "" : checkName(fileName.toString());
        if (diskName.isEmpty()) {
            throw refusal("names no file");
        }
        return new DiskSpec(
                source, diskName, path, 0, sectorBytes, readOnly, direct, snapshot, shared);
    }

    private DiskSpec sizedSpec(String target) throws DiskSpecException {
        long bytes;
        try {
            bytes = ByteSize.parse(target);
        } catch (IllegalArgumentException e) {
            throw new DiskSpecException("disk=" + text + " " + e.getMessage(), e);
        }
        if (bytes == 0 || bytes % sectorBytes != 0) {
            throw refusal("size=" + bytes + " is not a number of sectors: sector=" + sectorBytes);
        }
        if (source == Source.MEMORY && bytes > MemoryDisk.SIZE_BYTES_MAX) {
            throw refusal(
                    "size="
                            + bytes
                            + " is above the most that a memory disk can have: max="
                            + MemoryDisk.SIZE_BYTES_MAX);
        }
        String diskName = name != null ? name : source == Source.MEMORY ? "mem" : "null";
        return new DiskSpec(
                source, diskName, null, bytes, sectorBytes, readOnly, direct, snapshot, shared);
    }

    private String takePrefix(String word) throws DiskSpecException {
        Matcher prefix = PREFIX.matcher(word);
        if (!prefix.lookingAt()) {
            return word;
        }
        for (Source known : Source.values()) {
            if (prefix.group().equals(known.prefix())) {
                source = known;
                return word.substring(prefix.end());
            }
        }
        throw refusal(
                "prefix="
                        + prefix.group()
                        + " is not known: use raw:, mem: or null:, or write ./"
                        + word
                        + " for a file of that name");
    }

    private void takeOption(String option) throws DiskSpecException {
        int equals = option.indexOf('=');
        String key = equals < 0 ? option : option.substring(0, equals);
        String value = equals < 0 ? null : option.substring(equals + 1);
        if (!seen.add(key)) {
            throw refusal("option=" + key + " is given twice: give it once");
        }
        switch (key) {
            case "ro" -> readOnly = flag(key, value);
            case "direct" -> direct = flag(key, value);
            case "snapshot" -> snapshot = flag(key, value);
            case "shared" -> shared = flag(key, value);
            case "sector" -> sectorBytes = sector(value);
            case "name" -> name = checkName(value == null ? "" : value);
            default ->
                    throw refusal(
                            "option="
                                    + option
                                    + " is not known: use "
                                    + OPTIONS
                                    + "; a comma in a path is written ,,");
        }
    }

    private boolean flag(String key, @Nullable String value) throws DiskSpecException {
        if (value != null) {
            throw refusal("option=" + key + " takes no value: write " + key + " or leave it out");
        }
        return true;
    }

    private int sector(@Nullable String value) throws DiskSpecException {
        if ("512".equals(value)) {
            return 512;
        }
        if ("4096".equals(value)) {
            return 4096;
        }
        throw refusal(
                "sector="
                        + (value == null ? "" : value)
                        + " is not a sector size: use sector=512 or sector=4096");
    }

    private String checkName(String candidate) throws DiskSpecException {
        if (candidate.isEmpty()
                || candidate.length() > NAME_CHARS_MAX
                || candidate.chars().anyMatch(Character::isISOControl)) {
            throw refusal(
                    "its name must have 1 to "
                            + NAME_CHARS_MAX
                            + " printable characters: give another with name=N");
        }
        return candidate;
    }

    private void checkCombinations() throws DiskSpecException {
        if (!source.isFile() && (direct || snapshot)) {
            throw refusal(
                    "option="
                            + (direct ? "direct" : "snapshot")
                            + " is for files: leave it out with "
                            + source.prefix());
        }
        if (readOnly && snapshot) {
            throw refusal(
                    "ro and snapshot exclude each other: with snapshot the file is never written anyway");
        }
    }

    /** The words between single commas; a double comma stands for one in the text. */
    private static List<String> splitAtCommas(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != ',') {
                word.append(c);
            } else if (i + 1 < text.length() && text.charAt(i + 1) == ',') {
                word.append(c);
                i++;
            } else {
                words.add(word.toString());
                word.setLength(0);
            }
        }
        words.add(word.toString());
        return words;
    }

    private DiskSpecException refusal(String why) {
        return new DiskSpecException("disk=" + text + " " + why);
    }
}
