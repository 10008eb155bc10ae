/* The reader of state files, on bytes as they are and with length and checksum made right, so that what lies behind
 * those is reached, too. What is accepted must be as it says. */
#include "base/files.h"
#include "host.h"
#include "base/libc_rand.h"
#include "store/state.h"

static void use(const texp_saved *saved)
{
    static const char *const names[] = {"cfg", "seen", "track 0 scale", "run rand", "layer 0 weight_updates"};
    uint64_t words[TEXP_RAND_WORDS];
    long double extended;
    float values[72];
    size_t count;
    texp_message message;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        const unsigned char *bytes = texp_saved_bytes(saved, names[i], &count);
        volatile unsigned sum = 0;
        for (size_t j = 0; bytes && j < count; ++j) sum += bytes[j];
        texp_saved_u64(saved, names[i], words, &message);
        texp_saved_extended(saved, names[i], &extended, &message);
        texp_saved_get(saved, names[i], TEXP_F32, values, 72, &message);
        if (!texp_saved_get(saved, names[i], TEXP_U64, words, TEXP_RAND_WORDS, &message)) {
            texp_rand state;
            memcpy(state.words, words, sizeof words);
            if (!texp_rand_restore(&state)) rand();
        }
    }
}

static void parse(const fuzz_input *input)
{
    texp_message message;
    texp_saved *saved;
    /* A block of just that size shows the first byte behind it that is read. */
    uint8_t *copy = malloc(input->size + 1) + 1;
    memcpy(copy, input->bytes, input->size);
    int status = texp_saved_parse(copy, input->size, "fuzz.state", &saved, &message);
    if (!status != !!saved || (status && !*message.text)) abort();
    if (saved) use(saved);
    texp_saved_close(saved);
    free(copy - 1);
}

static void put(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; ++i) out[i] = (uint8_t)(value >> 8 * i);
}

static void parse_mended(const fuzz_input *input)
{
    uint8_t *mended = malloc(input->size);
    memcpy(mended, input->bytes, input->size);
    memcpy(mended, "TEXPSTAT\1\0\0\0", 12);
    put(mended + 16, input->size);
    put(mended + input->size - 8, texp_crc64(0, mended, input->size - 8));
    parse(&(fuzz_input){mended, input->size});
    free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    if (fuzz_run(parse, &input)) abort(); /* it never ends the program */
    if (size >= 32 && fuzz_run(parse_mended, &input)) abort();
    return 0;
}
