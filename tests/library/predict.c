// A program of somebody else's: loads a network and prints what it predicts for a fixed image, to the bit. With BY_NAME it
// finds Darknet's functions in libdarknet.so as python/darknet.py of Darknet does, through the names alone.
#include <stdio.h>
#include <stdlib.h>

#include "darknet.h"

#ifdef BY_NAME
#include <dlfcn.h>

// All that python/darknet.py looks up in a build without a GPU.
static const char *names[] = {"network_width", "network_height",       "network_predict",    "make_image",
                              "free_image",    "get_network_boxes",    "make_network_boxes", "free_detections",
                              "free_ptrs",     "reset_network_state",  "load_network",       "do_nms_obj",
                              "do_nms_sort",   "letterbox_image",      "get_metadata",       "load_image_color",
                              "rgbgr_image",   "network_predict_image"};

static void *function(const char *library, const char *name)
{
    static void *handle;
    if (!handle) handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    void *found = handle ? dlsym(handle, name) : NULL;
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}
#endif

int main(int count, char **arguments)
{
    if (count < 3) return 2;
    network *(*load)(char *, char *, int);
    float *(*predict)(network *, float *);
#ifdef BY_NAME
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) function(arguments[3], names[i]);
    *(void **)&load = function(arguments[3], "load_network");
    *(void **)&predict = function(arguments[3], "network_predict");
#else
    load = load_network;
    predict = network_predict;
#endif
    network *net = load(arguments[1], arguments[2], 0);
    float *input = calloc(net->inputs, sizeof *input);
    for (int i = 0; i < net->inputs; i++) input[i] = (float)(i * 7 % 11) / 11;
    float *output = predict(net, input);
    for (int i = 0; i < net->outputs; i++) printf("%a\n", output[i]);
    free(input);
    return 0;
}
