/* The keys of a cfg, of [net] and of layers: the network is made and freed, or refused with a word. */
#include "store/cfg_text.h"
#include "host.h"
#include "base/refuse.h"

#include "darknet.h"

/* Numbers of updates beyond this are walked one by one, which takes its time and finds nothing new. */
static int is_long_run(const char *line)
{
    static const char *const keys[] = {"max_batches", "burn_in", "steps", "step", "sgdr_cycle"};
    size_t longest = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        size_t length = strlen(keys[i]), digits = 0;
        if (strncmp(line, keys[i], length)) continue;
        for (const char *p = line + length; *p && *p != '\n'; ++p) {
            digits = *p >= '0' && *p <= '9' ? digits + 1 : 0;
            if (digits > longest) longest = digits;
        }
    }
    return longest > 4;
}

static void parse(const fuzz_input *input)
{
    char *text = calloc(1, input->size + 1);
    memcpy(text, input->bytes, input->size);
    char *normal = texp_cfg_normal(text);
    for (const char *line = normal; *line; line += strcspn(line, "\n") + 1) {
        if (is_long_run(line)) return;
    }
    network *net = parse_network_cfg((char *)fuzz_file(0, input->bytes, input->size));
    free_network(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gpu_index = -1;
    fuzz_run(parse, &(fuzz_input){bytes, size});
    return 0;
}
