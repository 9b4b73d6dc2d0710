package dev.airlock.storvsc;

import dev.airlock.dma.DmaDirection;
import dev.airlock.scsi.SrbFlags;
import dev.airlock.scsi.VstorSrb;

/** Which way the data of a SCSI command goes, with the codes that say so in an SRB. */
public enum DataDirection {
    /** No data: TEST UNIT READY, SYNCHRONIZE CACHE. */
    NONE(VstorSrb.DIRECTION_NONE, 0, DmaDirection.BIDIRECTIONAL),
    /** Guest memory to device: a write. */
    TO_DEVICE(VstorSrb.DIRECTION_OUT, SrbFlags.DATA_OUT, DmaDirection.TO_DEVICE),
    /** Device to guest memory: a read. */
    FROM_DEVICE(VstorSrb.DIRECTION_IN, SrbFlags.DATA_IN, DmaDirection.FROM_DEVICE);

    private final int vstorCode;
    private final int srbFlags;
    private final DmaDirection dma;

    DataDirection(int vstorCode, int srbFlags, DmaDirection dma) {
        this.vstorCode = vstorCode;
        this.srbFlags = srbFlags;
        this.dma = dma;
    }

    /** {@code vmscsi_request.data_in}. */
    int vstorCode() {
        return vstorCode;
    }

    /** The direction's part of {@code srb_flags}. */
    int srbFlags() {
        return srbFlags;
    }

    /** What the DMA API is told; never asked for {@link #NONE}. */
    DmaDirection dma() {
        return dma;
    }
}
