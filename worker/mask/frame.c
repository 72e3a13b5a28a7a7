/* Records on the pipe into the mask process: 14 bytes of head, then the body. */
#include "worker/mask/frame.h"

#include <string.h>

size_t mask_frame_write(char out[MASK_FRAME_MAX], const struct mask_frame *frame)
{
    size_t len = frame->len > MASK_FRAME_BODY ? MASK_FRAME_BODY : frame->len;
    uint64_t origin = (uint64_t)frame->origin;
    out[0] = (char)frame->host;
    out[1] = (char)frame->step;
    out[2] = frame->kind;
    out[3] = 0;
    for (int i = 0; i < 8; i++)
        out[4 + i] = (char)(origin >> (8 * i));
    out[12] = (char)(len & 0xFF);
    out[13] = (char)(len >> 8);
    if (len > 0)
        memcpy(out + MASK_FRAME_HEAD, frame->body, len);
    return MASK_FRAME_HEAD + len;
}

ptrdiff_t mask_frame_read(const char *bytes, size_t len, struct mask_frame *frame)
{
    if (len < MASK_FRAME_HEAD)
        return 0;
    uint64_t origin = 0;
    for (int i = 7; i >= 0; i--)
        origin = origin << 8 | (uint8_t)bytes[4 + i];
    frame->host = (uint8_t)bytes[0];
    frame->step = (uint8_t)bytes[1];
    frame->kind = bytes[2];
    frame->origin = (int64_t)origin;
    frame->body = bytes + MASK_FRAME_HEAD;
    frame->len = (size_t)(uint8_t)bytes[12] | (size_t)(uint8_t)bytes[13] << 8;
    if (frame->len > MASK_FRAME_BODY || frame->kind == '\0'
        || strchr("ofwsvy", frame->kind) == NULL)
        return -1;
    if (len < MASK_FRAME_HEAD + frame->len)
        return 0;
    return (ptrdiff_t)(MASK_FRAME_HEAD + frame->len);
}
