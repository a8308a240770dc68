/// The lists that ``LanguageRegistry`` unpacks.
extension LanguageRegistry {
    static let shortLanguageList = """
        aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
        dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id
        ie ig ii ik in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li
        ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa
        pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th
        ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
        """

    static let longLanguageBits = """
        //39/u//v9v7//769x88V2+Xc/j///9wvwP//88FhWLp//1/////d//////////j6f///028Cnq+/////v/3/////98r9PHwXeef
        FAcg3+2fP8kh+L/u////////f/////9//f////d/////////57//////7/////+//////9////P/+2/////+///7///3///9////
        f9/////+///f///f+////v//////93+//dWtf0D/nMFDLAglQQBQRACAu//yn7RCRdabNIj3e+cXVlV9Dhw3e/Pvn/9dOGUIABC8
        /7////9/Nz7Hx9//AYEAsAWAAAAAAANAAACSIdD/ff/e/l4EAAJkjRnB33siAAAA323eJuXZ8/7//c+fFEEMhgDRAPDHZ1/WmV63
        7e8DAAIAAADAd9pXkmkBLNZ79P9/fwAAAAEMVgMAALAUB1EWCgABAAAQEUkAAGAQAAAAEAAARAQAEIAEGAAABQCAKAQAAFDVLRBk
        NSRT9dW/4s0DAIAAQAAAAAAABBc5Ad1XmSGYpwAAAUCCAAAABAAAAAIBQABEAACw/qs5AAIAAAAEAAAAAAAgAEAEAAAAAgAAABCD
        qAUAAAAABCAEpggEAAiBUAAACDGGQAAAAABAAAP1AxAIBAAAAOA7sxMAgAARAAAAAAAAAAAAAAAA///////fz4OiwP/fJ+8f5QMQ
        ILLFpkUlmwPf+d8D1EiQAQ6B45NU2zjzf/9t+f//fQQIAAEhEjxf/Q+FT0RAAAT//f/W6Bv0N6MNAAAge3kCB4QA8P9//gAYBIEA
        AACAEJQcAQAAAAAAEEAABAi0/qUMQAAAkSQEbABg8P/7f/YYBZ/fbgMAEQAAAEAFtbaCKAQABFHi//0/BQkIBUAAAAAAEAAADAAA
        AAChAmznSBSIIMBHgAcAAADMUEAkhUeEQCAQACACUIgRANHs7lA3HRFpBlnrMwgAIAVAEAAAAFBElknWXaeBR5f7ABAACACAAEBF
        AAECAAFAgAAGCPjr9znEnRYAAAwEASAg3aIBAAAAEkQAAAQQ8J2VEwSAAAHQFkAAEPCQYkzSAgFKAEYEAAgCACDAAIAGAAgAAAAA
        8NjvFQIIAAABAAAAABABABAAAAD/1+P9//////9////+////////////3//7///b/f////7//////////////f/f/9z/////////
        //77//////////7//f/////////v/////////////3v93d//vJgFLP8H8P//fwAIAMM9GwbmcvD/fH9EIjCfex79/1fy/z//8h6V
        9///R4ABAgAAQFWfitv5LhGHUdDz/3dAAQXRWFwAQAAQBAIAIAqAe7f9/v7////////v////f/////////////f//99///9/////
        7/+9///7////33/9//f///f////7/+///////3/f/7/v9////////////v//f////////P/9f///n77//v9/938CggT/////1+//
        //f/4p7n//f/Vv3N///////v//3/fQ+nUQbEl9Bdr6b//f9jXVv///8/IBQAV1GCZfVN4v//30IFxQUAIgB0aRAIBUEAAQYAAAAA
        AFFgBQQBAAAGASAAGAGS8f1nawaVBlft+02de4MEYkAAFUIAAABUg/lfEI7JRt/3EzEAIAAAAJAAAAAAAAoQAAFAAPDf/b99vs//
        v0IUhGGw/116BAIASS0UJ/ft8b/vPwAAAsfgHvy7//379/33///89e1H9H8QAQHEf//33flfBYbv9Xe9PQAAAENxQgBAAAABQxkA
        CAD//////////////////////////////////////////////////////////////////////////////////////++951fuE10J
        wUAh+hcBgAAAAADw/v+/ACMAIAAACAAAMLXjEAAAABEkFgABAhCDowFQAAGDEUgAAADw3/9/EqoQf9hSAIAgAAAAAEAQAgIZABBC
        EGFfnDEAAAABXAIgAAABAEIBIAAAv9//////P9/ez73/r///f0tAEPH97/33///73/9v8Xvxf/9//+7377//2//f//1+v1f/b4F2
        n9z3/f////v+/19XX+9fUBhi/v+fFZ8VD33GfaGS9fd+///////93f///fZf/z9AmAL/4//z9v7f/99/0D4Ve7z/vv//9///93//
        //7b99f97y+Av8X/////n//////9v99/Bh93//jbXc99Frnqe6AeIAAwAgQkSAQAAEDUBgQAAAQABAAwAQZQAAgAAAAkAAQAENxY
        100PFE/xFmTVSgpAAABAAAgAAADc/+sfWEhBJKAEADASQCIAEAAAAAAAAAEAAACAEBC/b5MAAQAAAAAAAADAgC0AAAAAAAAKAAAA
        wIbCAgAAAAH/GAIAEvD/eT8AJQAAAAoAAAAAAABAABADAAkgAAABAACDAAAAAAEAAAAAAAAAAAAAAAD////Pfr4REAAAkgFEzfFe
        AAEAMBQEVRABBPY/egUEALCAIFV1l33fccx41UP1V2cUAQAAAAAALPfbH1RgA2gFEIs4ugEAADAAJEQAABADEQIBAADw9f/X17xw
        1nh6FVABpITpQQAAAGs5UnQA6DCQapIAAAL/7/9/hVP07///8t3HTPVC/P//HwCAwFbMFp/7N33v/72krwFEGAFdTkoIUCgw4IAQ
        ICQA////b/4BBogKQBYBARUrPgEAABCQaUUCAgHhv78DAAAQ1KfRVJ5E3/2PZrNVINTD2DA9gAAAAEz0EcWEb1AAIlB/v9sHACAQ
        hLJFEAZEAAASAhEA8P/9fwUCFoEAAAAIABAMAgAAAACDMAIohAAzwCMkAAAAy+Q6RsgU8f//fxYBAYRQB/z//w8BAEAQOAEBHBJA
        4XYWCAMQAAAAAQAAAAAAIiQKQIAAAA==
        """

    static let scriptList = """
        Adlm Afak Aghb Ahom Arab Aran Armi Armn Avst Bali Bamu Bass Batk Beng Bhks Blis Bopo Brah Brai Bugi
        Buhd Cakm Cans Cari Cham Cher Chrs Cirt Copt Cpmn Cprt Cyrl Cyrs Deva Diak Dogr Dsrt Dupl Egyd Egyh
        Egyp Elba Elym Ethi Geok Geor Glag Gong Gonm Goth Gran Grek Gujr Guru Hanb Hang Hani Hano Hans Hant
        Hatr Hebr Hira Hluw Hmng Hmnp Hrkt Hung Inds Ital Jamo Java Jpan Jurc Kali Kana Khar Khmr Khoj Kitl
        Kits Knda Kore Kpel Kthi Lana Laoo Latf Latg Latn Leke Lepc Limb Lina Linb Lisu Loma Lyci Lydi Mahj
        Maka Mand Mani Marc Maya Medf Mend Merc Mero Mlym Modi Mong Moon Mroo Mtei Mult Mymr Nand Narb Nbat
        Newa Nkdb Nkgb Nkoo Nshu Ogam Olck Orkh Orya Osge Osma Ougr Palm Pauc Pcun Pelm Perm Phag Phli Phlp
        Phlv Phnx Piqd Plrd Prti Psin Ranj Rjng Rohg Roro Runr Samr Sara Sarb Saur Sgnw Shaw Shrd Shui Sidd
        Sind Sinh Sogd Sogo Sora Soyo Sund Sylo Syrc Syre Syrj Syrn Tagb Takr Tale Talu Taml Tang Tavt Telu
        Teng Tfng Tglg Thaa Thai Tibt Tirh Tnsa Toto Ugar Vaii Visp Vith Wara Wcho Wole Xpeo Xsux Yezi Yiii
        Zanb Zinh Zmth Zsye Zsym Zxxx Zyyy Zzzz
        """

    static let regionList = """
        001 002 003 005 009 011 013 014 015 017 018 019 021 029 030 034 035 039 053 054 057 061 142 143 145
        150 151 154 155 202 419 AA AC AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG
        BH BI BJ BL BM BN BO BQ BR BS BT BU BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CR CS CU CV
        CW CX CY CZ DD DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU EZ FI FJ FK FM FO FR FX GA GB GD GE
        GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE
        JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
        ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NT NU NZ OM PA PE PF PG
        PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
        SU SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TP TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE
        VG VI VN VU WF WS YD YE YT YU ZA ZM ZR ZW ZZ
        """

    static let alpha3List = """
        aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih
        bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan
        dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra
        fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher
        iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua
        kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin
        lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob
        ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli
        plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk
        slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir
        tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol
        wawln wowol xhxho yiyid yoyor zazha zhzho zuzul
        """

    static let bibliographicList = """
        tibbod czeces welcym gerdeu greell baqeus perfas frefra armhye iceisl geokat maomri macmkd maymsa
        burmya dutnld rumron sloslk albsqi chizho
        """

    static let preferredLanguageList = """
        in=id iw=he ji=yi jw=jv mo=ro aam=aas adp=dz asd=snz aue=ktz ayx=nun bgm=bcg bic=bir bjd=drl blg=iba
        ccq=rki cjr=mom cka=cmr cmk=xch coy=pij cqu=quh dit=dif drh=khk drr=kzk drw=prs gav=dev gfx=vaj
        ggn=gvr gli=kzk gti=nyc guv=duz hrr=jal ibi=opa ilw=gal jeg=oyb kgc=tdf kgh=kml koj=kwv krm=bmf
        ktr=dtp kvs=gdj kwq=yam kxe=tvd kxl=kru kzj=dtp kzt=dtp lii=raq llo=ngt lmm=rmx meg=cir mst=mry
        mwj=vaj myd=aog myt=mry nad=xny ncp=kdz nns=nbr nnx=ngv nts=pij nxu=bpp oun=vaj pat=kxr pcr=adx
        pmc=huw pmu=phr ppa=bfy ppr=lcq pry=prt puz=pub sca=hle skk=oyb tdu=dtp thc=tpo thw=ola thx=oyb
        tie=ras tkk=twm tlw=weo tmp=tyj tne=kak tnf=prs tsf=taj uok=ema xba=cax xia=acn xkh=waw xrq=dmw
        ybd=rki yma=lrr ymt=mtm yos=zom yuu=yug zir=scv
        """

    static let preferredRegionList = """
        BU=MM DD=DE FX=FR TP=TL YD=YE ZR=CD
        """

    static let extendedLanguageList = """
        aao=ar abh=ar abv=ar acm=ar acq=ar acw=ar acx=ar acy=ar adf=ar ads=sgn aeb=ar aec=ar aed=sgn aen=sgn
        afb=ar afg=sgn ajp=ar apc=ar apd=ar arb=ar arq=ar ars=ar ary=ar arz=ar ase=sgn asf=sgn asp=sgn
        asq=sgn asw=sgn auz=ar avl=ar ayh=ar ayl=ar ayn=ar ayp=ar bbz=ar bfi=sgn bfk=sgn bjn=ms bog=sgn
        bqn=sgn bqy=sgn btj=ms bve=ms bvl=sgn bvu=ms bzs=sgn cdo=zh cds=sgn cjy=zh cmn=zh cnp=zh coa=ms
        cpx=zh csc=sgn csd=sgn cse=sgn csf=sgn csg=sgn csl=sgn csn=sgn csp=zh csq=sgn csr=sgn csx=sgn czh=zh
        czo=zh doq=sgn dse=sgn dsl=sgn dup=ms ecs=sgn ehs=sgn esl=sgn esn=sgn eso=sgn eth=sgn fcs=sgn
        fse=sgn fsl=sgn fss=sgn gan=zh gds=sgn gom=kok gse=sgn gsg=sgn gsm=sgn gss=sgn gus=sgn hab=sgn
        haf=sgn hak=zh hds=sgn hji=ms hks=sgn hos=sgn hps=sgn hsh=sgn hsl=sgn hsn=zh icl=sgn iks=sgn ils=sgn
        inl=sgn ins=sgn ise=sgn isg=sgn isr=sgn jak=ms jax=ms jcs=sgn jhs=sgn jks=sgn jls=sgn jos=sgn
        jsl=sgn jus=sgn kgi=sgn knn=kok kvb=ms kvk=sgn kvr=ms kxd=ms lbs=sgn lce=ms lcf=ms liw=ms lls=sgn
        lsb=sgn lsg=sgn lsl=sgn lsn=sgn lso=sgn lsp=sgn lst=sgn lsv=sgn lsy=sgn ltg=lv lvs=lv lws=sgn lzh=zh
        max=ms mdl=sgn meo=ms mfa=ms mfb=ms mfs=sgn min=ms mnp=zh mqg=ms mre=sgn msd=sgn msi=ms msr=sgn
        mui=ms mzc=sgn mzg=sgn mzy=sgn nan=zh nbs=sgn ncs=sgn nsi=sgn nsl=sgn nsp=sgn nsr=sgn nzs=sgn
        okl=sgn orn=ms ors=ms pel=ms pga=ar pgz=sgn pks=sgn prl=sgn prz=sgn psc=sgn psd=sgn pse=ms psg=sgn
        psl=sgn pso=sgn psp=sgn psr=sgn pys=sgn rms=sgn rsi=sgn rsl=sgn rsm=sgn sdl=sgn sfb=sgn sfs=sgn
        sgg=sgn sgx=sgn shu=ar slf=sgn sls=sgn sqk=sgn sqs=sgn sqx=sgn ssh=ar ssp=sgn ssr=sgn svk=sgn swc=sw
        swh=sw swl=sgn syy=sgn szs=sgn tmw=ms tse=sgn tsm=sgn tsq=sgn tss=sgn tsy=sgn tza=sgn ugn=sgn
        ugy=sgn ukl=sgn uks=sgn urk=ms uzn=uz uzs=uz vgt=sgn vkk=ms vkt=ms vsi=sgn vsl=sgn vsv=sgn wbs=sgn
        wuu=zh xki=sgn xml=sgn xmm=ms xms=sgn yds=sgn ygs=sgn yhs=sgn ysl=sgn ysm=sgn yue=zh zib=sgn zlm=ms
        zmi=ms zsl=sgn zsm=ms
        """

    static let grandfatheredList = """
        art-lojban=jbo cel-gaulish= en-gb-oed=en-GB-oxendict i-ami=ami i-bnn=bnn i-default= i-enochian=
        i-hak=hak i-klingon=tlh i-lux=lb i-mingo= i-navajo=nv i-pwn=pwn i-tao=tao i-tay=tay i-tsu=tsu
        no-bok=nb no-nyn=nn sgn-be-fr=sfb sgn-be-nl=vgt sgn-ch-de=sgg zh-guoyu=cmn zh-hakka=hak zh-min=
        zh-min-nan=nan zh-xiang=hsn
        """
}
